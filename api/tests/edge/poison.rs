//! Faults of the program, planted in its rules: each shows in one turn, delays only itself, and is told to its sender.

use hansom_engine::decide::{Step, decide};
use hansom_engine::record::{Event, Poison};
use hansom_engine::state::{Timer, TimerKind};
use hansom_engine::{Command, Desk, Stamp, State};
use hansom_geo_index::Millis;
use hansom_market::log::Reader;
use hansom_market::recovery::LOG_FOLDER;
use hansom_market::replay::{self, Check, Until};
use serde_json::{Value, json};

use crate::kind;
use crate::served::{Served, request_ride, spec, start_shift, uuid};

/// The engine's rules, but they fail on what a rider of this name asks for, and when an offer expires.
pub fn faulty(desk: &mut Desk, state: &State, stamp: Stamp, step: Step<'_>, out: &mut Vec<Event>) {
    match step {
        Step::Command(_, Command::RequestRide(order)) if &*order.rider.0 == "pandora" => panic!("planted in a command"),
        Step::Timer(Timer { kind: TimerKind::Offer, .. }) => panic!("planted in a timer"),
        _ => decide(desk, state, stamp, step, out),
    }
}

#[test]
fn a_fault_of_the_program_is_one_turn_and_its_sender_is_told() {
    let data = tempfile::tempdir().expect("a folder");
    let mut planted = spec("town", data.path(), 64);
    planted.rules = Some(faulty);
    planted.header.settings.offer_life = Millis(100);
    planted.header.settings.review = Millis(200);
    let town = Served::start(vec![planted.clone()]);
    let events = town.events("?from=0", None);
    let fatal = request_ride(2, "pandora", (3, 3), (5, 5));
    let answers = town.lines(
        "/v1/commands",
        &[start_shift(1, "ann", 3, 3), fatal.clone(), fatal.clone(), request_ride(3, "rob", (3, 3), (5, 5))],
    );
    let error = |answer: &Value| answer["error"]["code"].clone();
    assert_eq!((error(&answers[1]), error(&answers[2])), (json!("poisoned"), json!("poisoned")), "{answers:?}");
    assert_eq!((&answers[1]["key"], &answers[1]["error"]["retryable"]), (&json!(uuid(2)), &json!(false)));
    assert!(answers[0].get("error").is_none() && answers[3].get("error").is_none(), "others are not delayed");
    // Its deadline failed, so the offer expires when the ride is looked at again.
    let expired = events.iter().find(|(_, event)| kind(event) == "offer_expired.v1").expect("it is told");
    assert_eq!(expired.1["data"]["request"], uuid(3));
    let (_, figures) = town.get("/metrics");
    assert!(figures.contains("hansom_halts_total{market=\"town\"} 0"), "{figures}");
    town.stop();

    let open = || Reader::open(&data.path().join("town").join(LOG_FOLDER)).expect("a log");
    let mut poisoned = Vec::new();
    let folded = replay::fold(&mut open(), &planted.streets.network, Until::End, |_, turn| {
        poisoned.extend(turn.events.iter().filter_map(|event| match event {
            Event::Poisoned { step } => Some(*step),
            _ => None,
        }));
    });
    let folded = folded.expect("checkpoints agree");
    let [Poison::Command, Poison::Command, rest @ ..] = &*poisoned else { panic!("{poisoned:?}") };
    let offers = |step: &Poison| matches!(step, Poison::Timer(Timer { kind: TimerKind::Offer, .. }));
    assert!(!rest.is_empty() && rest.iter().all(offers), "{rest:?}");
    let decided =
        replay::redecide_by(faulty, &mut open(), &planted.streets, Until::End, Check::EngineAndPlanner, |_, _| {});
    assert_eq!(decided.expect("the same faults").state.digest(), folded.state.digest());
    let mended = replay::redecide(&mut open(), &planted.streets, Until::End, Check::Engine, |_, _| {});
    assert!(matches!(mended, Err(replay::ReplayError::Diverged(_))), "{mended:?}");

    planted.rules = None;
    let town = Served::start(vec![planted]);
    let answers = town.lines("/v1/commands", &[fatal]);
    assert!(answers[0]["offset"].is_u64() && answers[0].get("error").is_none(), "mended, it is taken: {}", answers[0]);
}
