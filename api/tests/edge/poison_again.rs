//! A market that is opened again while the fault that its log tells of is still in its rules.

use std::fs;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use hansom_dispatcher::Spec;
use hansom_engine::record::{Event, Poison};
use hansom_engine::state::{Timer, TimerKind};
use hansom_engine::{Offset, Turn};
use hansom_geo_index::Millis;
use hansom_market::log::Reader;
use hansom_market::recovery::{LOG_FOLDER, SNAPSHOT_FOLDER};
use hansom_market::replay::{self, Check, Difference, ReplayError, Until};
use serde_json::{Value, json};

use crate::kind;
use crate::poison::faulty;
use crate::served::{Served, request_ride, spec, start_shift, uuid};

/// A market with the fault in its rules. Offers stay open for long enough to be looked at before their deadline fails.
fn planted(data: &Path) -> Spec {
    let mut spec = spec("town", data, 64);
    spec.rules = Some(faulty);
    spec.header.settings.offer_life = Millis(2_000);
    spec.header.settings.review = Millis(1_000);
    spec
}

/// What a kill at this instant would leave of the market in `from`. Snapshots first: none reaches beyond the log then.
fn killed(from: &Path) -> tempfile::TempDir {
    let image = tempfile::tempdir().expect("a folder");
    for name in [SNAPSHOT_FOLDER, LOG_FOLDER] {
        let to = image.path().join("town").join(name);
        fs::create_dir_all(&to).expect("a folder");
        for file in fs::read_dir(from.join("town").join(name)).expect("a folder") {
            let file = file.expect("an entry");
            fs::copy(file.path(), to.join(file.file_name())).expect("it can be copied");
        }
    }
    image
}

/// The next such fact about the ride that an order asked for. It comes soon, or something is told in a loop.
fn told(events: &Receiver<(u64, Value)>, wanted: &str, key: u64) {
    for _ in 0..100 {
        let (_, event) = events.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("no {wanted} is told"));
        if kind(&event) == wanted && event["data"]["request"] == uuid(key) {
            return;
        }
    }
    panic!("a hundred facts are told, and {wanted} is not among them");
}

/// What a log says of faults.
#[derive(Debug, Default)]
struct Account {
    turns: u64,
    offers: usize,
    expired: usize,
    resumed: usize,
    /// Where rules failed first.
    first: Option<Offset>,
    /// On what they failed before the market was opened the last time …
    before: Vec<Poison>,
    /// … and since.
    since: Vec<Poison>,
}

impl Account {
    fn take(&mut self, turn: &Turn) {
        self.turns += 1;
        for event in &turn.events {
            match event {
                Event::Resumed { .. } => {
                    self.resumed += 1;
                    self.before.append(&mut self.since);
                }
                Event::OfferMade(_) => self.offers += 1,
                Event::OfferExpired { .. } => self.expired += 1,
                Event::Poisoned { step } => {
                    self.first.get_or_insert(turn.offset);
                    self.since.push(*step);
                }
                _ => {}
            }
        }
    }
}

fn commands(steps: &[Poison]) -> usize {
    steps.iter().filter(|step| matches!(step, Poison::Command)).count()
}

fn deadlines(steps: &[Poison]) -> usize {
    steps.iter().filter(|step| matches!(step, Poison::Timer(Timer { kind: TimerKind::Offer, .. }))).count()
}

/// Opens the market with the fault in its rules, meets the fault by both ways again, and has others served meanwhile.
fn serve_again(data: &Path) {
    let town = Served::start(vec![planted(data)]);
    let events = town.events("?from=0", None);
    let answers = town.lines(
        "/v1/commands",
        &[
            request_ride(2, "pandora", (3, 3), (5, 5)),
            start_shift(10, "bob", 4, 4),
            request_ride(11, "pandora", (3, 3), (5, 5)),
            start_shift(12, "cat", 4, 4),
            request_ride(13, "zoe", (4, 4), (6, 6)),
        ],
    );
    let codes: Vec<&Value> = answers.iter().map(|answer| &answer["error"]["code"]).collect();
    assert_eq!(
        codes,
        [&json!("poisoned"), &Value::Null, &json!("poisoned"), &Value::Null, &Value::Null],
        "{answers:?}"
    );
    for wanted in ["offer_made.v1", "poisoned.v1", "offer_expired.v1"] {
        told(&events, wanted, 13);
    }
    let (status, ready) = town.get("/readyz");
    assert!(status == 200 && ready.contains("\"town\":\"serving\""), "{ready}");
    let (_, figures) = town.get("/metrics");
    assert!(figures.contains("hansom_halts_total{market=\"town\"} 0"), "{figures}");
    town.stop();
}

/// Folds the log, decides it again by the faulty rules, and by mended ones.
fn replayed(data: &Path) -> Account {
    let open = || Reader::open(&data.join("town").join(LOG_FOLDER)).expect("a log");
    let Spec { streets, .. } = planted(data);
    let mut account = Account::default();
    let folded = replay::fold(&mut open(), &streets.network, Until::End, |_, turn| account.take(turn));
    let folded = folded.expect("checkpoints agree");
    let check = Check::EngineAndPlanner;
    let again = replay::redecide_by(faulty, &mut open(), &streets, Until::End, check, |_, _| {});
    let again = again.expect("the same faults at the same steps");
    assert_eq!((again.state.digest(), again.event_chain), (folded.state.digest(), folded.event_chain));
    // Mended rules decide all alike up to the first step that failed, and are said to differ there.
    let first = account.first.expect("rules failed");
    let mended = replay::redecide(&mut open(), &streets, Until::End, check, |_, _| {});
    let Err(ReplayError::Diverged(diverged)) = mended else { panic!("{mended:?}") };
    assert_eq!((diverged.offset, diverged.what), (first, Difference::Events));
    assert!(diverged.logged.contains("Poisoned") && !diverged.decided.contains("Poisoned"), "{diverged:?}");
    account
}

#[test]
fn a_market_is_opened_once_and_serves_with_the_fault_still_in_its_rules() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::start(vec![planted(data.path())]);
    let events = town.events("?from=0", None);
    town.lines("/v1/commands", &[start_shift(1, "ann", 3, 3), request_ride(3, "rob", (3, 3), (5, 5))]);
    told(&events, "offer_made.v1", 3);
    let before = killed(data.path());
    let answers = town.lines("/v1/commands", &[request_ride(2, "pandora", (3, 3), (5, 5))]);
    assert_eq!(answers[0]["error"]["code"], "poisoned");
    told(&events, "poisoned.v1", 3);
    let after = killed(data.path());
    town.stop();

    // How it ended, its folder, and what had failed by then: commands and deadlines.
    let ends =
        [("killed before", before.path(), 0, 0), ("killed after", after.path(), 1, 1), ("closed", data.path(), 1, 1)];
    std::thread::scope(|scope| {
        for (_, folder, _, _) in ends {
            scope.spawn(move || serve_again(folder));
        }
    });
    for (how, folder, failed_commands, failed_deadlines) in ends {
        let account = replayed(folder);
        assert_eq!(account.resumed, 1, "{how}: it was opened again once");
        let counts = (commands(&account.before), deadlines(&account.before));
        assert_eq!(counts, (failed_commands, failed_deadlines), "{how}: {account:?}");
        assert_eq!(commands(&account.since), 2, "{how}: {account:?}");
        // The deadline of an offer fails once; then it is a review, which decides it.
        let failed = deadlines(&account.before) + deadlines(&account.since);
        assert!(failed <= account.offers && deadlines(&account.since) >= 1, "{how}: {account:?}");
        assert!(account.expired >= 2, "{how}, rob's and zoe's: {account:?}");
        assert_eq!(account.before.len() + account.since.len(), 2 + failed_commands + failed, "{how}: {account:?}");
        assert!(account.turns < 100, "{how}: {account:?}");
    }
}
