//! A market at work in a small town, and its log read back.

#[allow(dead_code, reason = "shared with tests that need more of it")]
mod town;

use hansom_engine::domain::Planner;
use hansom_engine::record::canonical::blank;
use hansom_engine::record::{Header, LOGIC_VERSION};
use hansom_engine::{Command, Event, Offset, Turn};
use hansom_geo_index::{Millis, network::sample};
use hansom_market::log::{Mode, Reader, Writer};
use hansom_market::replay::{self, Check, Difference, Divergence, ReplayError, Replayed, Until};
use hansom_market::seam::disk::Nowhere;
use hansom_market::{Closed, Streets};
use std::path::Path;
use std::sync::Arc;
use town::{CLOCK_STEP_NS, Life, START};

const NEAREST: Life = Life { planner: Planner::Nearest, planner_latency: Millis::ZERO, seed: 1, minutes: 60 };
const BATCH: Life = Life { planner: Planner::Batch, planner_latency: Millis(700), seed: 2, minutes: 60 };

fn live(folder: &Path, mode: Mode, life: Life) -> (Closed, Vec<Turn>) {
    let mut turns = Vec::new();
    let closed = town::live(folder, mode, life, &mut |_, turn| turns.push(turn.clone())).expect("it lives");
    assert_eq!(closed.violations.first, []);
    (closed, turns)
}

fn fold(folder: &Path, until: Until) -> Result<Replayed, ReplayError> {
    replay::fold(&mut Reader::open(folder)?, &town::streets().network, until, |_, _| {})
}

fn redecide(folder: &Path, check: Check) -> Result<Replayed, ReplayError> {
    replay::redecide(&mut Reader::open(folder)?, &town::streets(), Until::End, check, |_, _| {})
}

fn count(turns: &[Turn], of: impl Fn(&Event) -> bool) -> usize {
    turns.iter().flat_map(|turn| &turn.events).filter(|event| of(event)).count()
}

#[test]
fn the_town_lives() {
    let folder = tempfile::tempdir().expect("a folder");
    for life in [NEAREST, BATCH] {
        let (closed, turns) = live(&folder.path().join(format!("{:?}", life.planner)), Mode::Inline, life);
        let met = [
            count(&turns, |event| matches!(event, Event::RideEnded { .. })),
            count(&turns, |event| matches!(event, Event::OfferExpired { .. })),
            count(&turns, |event| matches!(event, Event::OfferDeclined { .. })),
            count(&turns, |event| matches!(event, Event::DriverMoved { clamped: true, .. })),
            count(&turns, |event| matches!(event, Event::Refused { .. })),
        ];
        assert!(met[0] > 100 && met.iter().all(|count| *count > 0), "{:?}: {met:?}", life.planner);
        assert_eq!(closed.log.turns, turns.len() as u64);
        assert_eq!(closed.log.pings, 12 * 240);
        assert!(turns.iter().zip(0..).all(|(turn, offset)| turn.offset == Offset(offset)));
        assert!(turns.windows(2).all(|two| two[0].at <= two[1].at));
    }
}

#[test]
fn reading_back_leads_to_the_same_state_both_ways() {
    let folder = tempfile::tempdir().expect("a folder");
    for (index, life) in [NEAREST, BATCH].into_iter().enumerate() {
        let folder = folder.path().join(index.to_string());
        let (closed, turns) = live(&folder, Mode::Threaded, life);
        let told = (closed.log.turns, closed.log.pings, closed.log.event_chain, closed.state.digest());
        let back = |replayed: Replayed| {
            assert_eq!(replayed.at, turns.last().map(|turn| turn.at));
            (replayed.turns, replayed.pings, replayed.event_chain, replayed.state.digest())
        };
        assert_eq!(back(fold(&folder, Until::End).expect("folded")), told);
        assert_eq!(back(redecide(&folder, Check::Engine).expect("the same")), told);
        assert_eq!(back(redecide(&folder, Check::EngineAndPlanner).expect("the same")), told);
    }
}

#[test]
fn threads_and_disks_change_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (inline, threaded) = (folder.path().join("inline"), folder.path().join("threaded"));
    let (one, one_turns) = live(&inline, Mode::Inline, BATCH);
    let (two, two_turns) = live(&threaded, Mode::Threaded, BATCH);
    assert_eq!((one.log, one.state.digest()), (two.log, two.state.digest()));
    assert_eq!(one_turns, two_turns);
    let bytes = |folder: &Path| std::fs::read(folder.join(format!("{:020}.seg", 0))).expect("a segment");
    assert_eq!(bytes(&inline), bytes(&threaded));

    let streets = town::streets();
    let header = town::header(BATCH.planner, BATCH.planner_latency, &streets.network);
    let mut nowhere = Writer::create_on(Arc::new(Nowhere), Path::new("nowhere"), &header, Mode::Inline).expect("a log");
    for turn in one_turns {
        nowhere.append(turn).expect("appended");
    }
    assert_eq!(nowhere.close().expect("closed"), one.log);
}

#[test]
fn a_log_is_read_up_to_a_turn_or_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, turns) = live(folder.path(), Mode::Inline, NEAREST);
    let half = turns.len() / 2;
    let by_offset = fold(folder.path(), Until::Offset(Offset(half as u64))).expect("folded");
    assert_eq!((by_offset.turns, by_offset.at), (half as u64 + 1, Some(turns[half].at)));
    let by_time = fold(folder.path(), Until::Time(turns[half].at)).expect("folded");
    let until_then = turns.iter().filter(|turn| turn.at <= turns[half].at).count();
    assert_eq!(by_time.turns, until_then as u64);
    assert_eq!(fold(folder.path(), Until::Time(START - Millis(1))).expect("folded").at, None);
    let mut reader = Reader::open(folder.path()).expect("a log");
    let mut seen = Vec::new();
    let until = Until::Offset(Offset(99));
    let visit = |_: &_, turn: &Turn| seen.push(turn.clone());
    replay::redecide(&mut reader, &town::streets(), until, Check::Engine, visit).expect("the same");
    assert_eq!(seen, turns[..100]);
}

/// Writes the log of a life again, with something changed.
fn forge(from: &Path, to: &Path, change_header: impl Fn(&mut Header), change: impl Fn(&mut Turn)) {
    let mut reader = Reader::open(from).expect("a log");
    let mut header = reader.header().clone();
    change_header(&mut header);
    let mut writer = Writer::create(to, &header, Mode::Inline).expect("a log");
    let mut turn = blank();
    while reader.next(&mut turn).expect("whole").is_some() {
        change(&mut turn);
        writer.append(turn.clone()).expect("appended");
    }
    writer.close().expect("closed");
}

fn divergence(result: Result<Replayed, ReplayError>) -> Divergence {
    match result {
        Err(ReplayError::Diverged(divergence)) => *divergence,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_changed_fact_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let (honest, forged) = (folder.path().join("honest"), folder.path().join("forged"));
    let (_, turns) = live(&honest, Mode::Inline, NEAREST);
    let cheaper = |event: &mut Event| {
        if let Event::RideRequested(request) = event
            && request.ride.0 >= 10
        {
            request.fare.0 -= 1;
        }
    };
    forge(&honest, &forged, |_| {}, |turn| turn.events.iter_mut().for_each(cheaper));
    let first = |event: &&Event| matches!(event, Event::RideRequested(request) if request.ride.0 == 10);
    let asked = turns.iter().find(|turn| turn.events.iter().any(|event| first(&event))).expect("a tenth ride");
    let found = divergence(redecide(&forged, Check::Engine));
    assert_eq!((found.offset, found.at, found.what), (asked.offset, asked.at, Difference::Events));
    let fare = |turn: &str| turn.split("\"fare\":").nth(1).and_then(|rest| rest.split(',').next()?.parse::<i64>().ok());
    assert_eq!(fare(&found.logged).map(|fare| fare + 1), fare(&found.decided), "{found:?}");
    // Facts are not questioned when they are folded.
    assert_eq!(fold(&forged, Until::End).expect("folded").turns, turns.len() as u64);
}

#[test]
fn a_changed_answer_of_the_planner_is_found_if_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let (honest, forged) = (folder.path().join("honest"), folder.path().join("forged"));
    let (_, turns) = live(&honest, Mode::Inline, BATCH);
    let has_answer = |turn: &&Turn| matches!(&turn.command, Command::Propose(proposal) if !proposal.changes.is_empty());
    let last = turns.iter().rfind(has_answer).expect("an answer");
    let worsen = |turn: &mut Turn| {
        if turn.offset >= last.offset
            && let Command::Propose(proposal) = &mut turn.command
        {
            for change in &mut proposal.changes {
                change.terms.0[1] += 1;
            }
            for event in &mut turn.events {
                if let Event::OfferMade(offer) = event {
                    offer.terms.0[1] += 1;
                }
            }
        }
    };
    forge(&honest, &forged, |_| {}, worsen);
    redecide(&forged, Check::Engine).expect("the engine takes any answer");
    let found = divergence(redecide(&forged, Check::EngineAndPlanner));
    assert_eq!((found.offset, found.what), (last.offset, Difference::Proposal));
}

#[test]
fn logs_of_other_networks_and_other_rules_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (honest, forged) = (folder.path().join("honest"), folder.path().join("forged"));
    live(&honest, Mode::Inline, Life { minutes: 2, ..NEAREST });
    let elsewhere = Streets::new(Arc::new(sample::grid(5, 5, 100_000, 10_000)));
    let mut reader = Reader::open(&honest).expect("a log");
    let error = replay::fold(&mut reader, &elsewhere.network, Until::End, |_, _| {}).expect_err("another network");
    assert_eq!(
        error.to_string(),
        format!(
            "the log is of another network: its turns are about {}, the network given is {} (grid 5 x 5)",
            town::streets().network.id_hex(),
            elsewhere.network.id_hex()
        )
    );
    let again = replay::redecide(&mut reader, &elsewhere, Until::End, Check::Engine, |_, _| {});
    assert!(matches!(again, Err(ReplayError::OtherNetwork { .. })));

    let (other, own) = (LOGIC_VERSION + 1, LOGIC_VERSION);
    forge(&honest, &forged, |header| header.logic_version = other, |_| {});
    let refused = redecide(&forged, Check::Engine);
    assert!(matches!(refused, Err(ReplayError::OtherLogic { logged, ours }) if (logged, ours) == (other, own)));
    // Facts are for ever: only the version of the rules differs.
    let folded = |log: &Path| format!("{:?}", fold(log, Until::End).expect("folded").state);
    let [other, own] = [other, own].map(|version| format!("logic_version: {version}"));
    assert_eq!(folded(&forged).replace(&other, &own), folded(&honest));
}

/// A planner's answer comes as long after its question as the header says, before all else of that time.
#[test]
fn answers_come_after_the_planner_latency() {
    for latency in [Millis::ZERO, Millis(700), Millis(6_500)] {
        let folder = tempfile::tempdir().expect("a folder");
        let life = Life { planner_latency: latency, ..BATCH };
        let (_, turns) = live(folder.path(), Mode::Inline, life);
        let mut answers = 0;
        for turn in &turns {
            if let Command::Propose(proposal) = &turn.command {
                answers += 1;
                assert_eq!(turn.at, turns[proposal.basis.0 as usize].at + latency);
                let before = &turns[turn.offset.0 as usize - 1];
                assert!(before.at < turn.at || before.offset == proposal.basis, "{before:?} went before an answer");
            }
        }
        assert!(answers > 100, "{answers} answers");
    }
}

/// Ticks come right behind their deadlines; those for which nobody waits, at quarters of a second.
#[test]
fn the_market_is_woken_when_it_asks() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ticks = 0;
    let visit = &mut |wakeup: Option<hansom_market::Wakeup>, turn: &Turn| {
        if turn.command == Command::Tick {
            ticks += 1;
            let wakeup = wakeup.expect("a tick was asked for");
            assert!(wakeup.at == turn.at);
            assert!(wakeup.urgent || turn.at.0 % 250 == 0);
            assert!(!turn.events.is_empty(), "a tick without a timer at offset {}", turn.offset);
        }
    };
    town::live(folder.path(), Mode::Inline, NEAREST, visit).expect("it lives");
    assert!(ticks > 100, "{ticks} ticks");
}

/// One span per turn that led to an offer: deciding it, or posing the problem, solving it and taking the answer.
#[test]
fn match_latency_is_of_the_turns_that_led_to_offers() {
    let folder = tempfile::tempdir().expect("a folder");
    for (life, looks) in [(NEAREST, 1), (BATCH, 2)] {
        let (closed, turns) = live(&folder.path().join(looks.to_string()), Mode::Inline, life);
        let offering = |turn: &&Turn| turn.events.iter().any(|event| matches!(event, Event::OfferMade(_)));
        assert_eq!(closed.latencies.len(), turns.iter().filter(offering).count());
        for per_mille in [500, 1000] {
            assert_eq!(closed.latencies.percentile_ns(per_mille), Some(looks * CLOCK_STEP_NS as u32));
        }
    }
}
