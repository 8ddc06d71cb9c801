//! A log that an earlier version wrote, opened as a served market under another cost weight: see `upgrade/README.md`.

use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::Path;

use hansom_engine::domain::Term;
use hansom_engine::record::canonical::{EventChain, blank};
use hansom_engine::record::{LOGIC_VERSION, Upgrade};
use hansom_engine::{Command, State, Turn, steps};
use hansom_geo_index::Network;
use hansom_geo_index::import::synthetic;
use hansom_market::log::Reader;
use liblzma::read::XzDecoder;

use crate::harness::Desk;
use crate::serve::Server;

/// How it was served when it was written.
const MARKET: &str = include_str!("upgrade/market.toml");
/// Turns in it.
const TURNS: usize = 160;
/// The hash of its facts.
const CHAIN: &str = "fcc1163274e79e9cf4ebb801b55167ef";

/// A desk with the log as the earlier version left it.
fn with_log() -> Desk {
    let desk = Desk::new();
    let (from, to) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/tests/upgrade/log"), desk.path("data/town/log"));
    fs::create_dir_all(&to).expect("a folder");
    for entry in fs::read_dir(from).expect("the log is there") {
        let path = entry.expect("an entry").path();
        let mut bytes = Vec::new();
        XzDecoder::new(fs::File::open(&path).expect("a file")).read_to_end(&mut bytes).expect("it is packed");
        fs::write(to.join(path.file_stem().expect("a name")), bytes).expect("it can be written");
    }
    desk
}

fn network() -> Network {
    synthetic::city("small-town", synthetic::DEFAULT_SEED).expect("it is known")
}

/// What the turns of a log lead to, up to the last of so many, and the turn behind that; their event chain.
fn folded(desk: &Desk, turns: usize) -> (State, Option<Turn>, String) {
    let network = network();
    let mut reader = Reader::open(&desk.path("data/town")).expect("a log");
    let mut state = State::of_log(reader.header(), &network);
    let (mut chain, mut turn) = (EventChain::new(), blank());
    for _ in 0..turns {
        let record = reader.next(&mut turn).expect("whole").expect("so many turns");
        chain.extend(record.events);
        steps::fold(&mut state, &network, &turn);
    }
    let next = reader.next(&mut turn).expect("whole").is_some();
    (state, next.then_some(turn), format!("{:032x}", chain.digest()))
}

/// The open rides, who serves them, and the plans of all drivers.
fn account(state: &State) -> String {
    let mut told = String::new();
    for ride in state.rides().iter().filter(|ride| ride.is_open()) {
        let driver = ride.status.driver().map_or(String::new(), |driver| format!(" by driver {driver}"));
        let _ = writeln!(
            told,
            "ride {} of {}: {}{driver}, {} minor units",
            ride.id,
            ride.rider,
            ride.status.name(),
            ride.fare.0
        );
    }
    for driver in state.fleet().drivers() {
        let stops: Vec<_> =
            driver.plan.stops().iter().map(|stop| format!("{:?} of {}", stop.kind, stop.ride)).collect();
        let _ = writeln!(told, "driver {} {}: [{}]", driver.id, driver.name, stops.join(", "));
    }
    told
}

#[test]
fn it_is_folded_to_what_it_said_and_decided_again_by_the_same_rules() {
    let desk = with_log();
    let (state, next, chain) = folded(&desk, TURNS);
    assert_eq!((next, &*chain), (None, CHAIN));
    insta::assert_snapshot!("open_rides", account(&state));

    // As long as rules have the version that the log names, they decide what they decided then.
    let logged = Reader::open(&desk.path("data/town")).expect("a log").header().logic_version;
    let again = desk.hansom("replay data/town --verify");
    let expected = if logged == LOGIC_VERSION { (0, CHAIN) } else { (2, "E0702") };
    assert!(again.code == expected.0 && again.whole().contains(expected.1), "{}", again.whole());
}

#[test]
fn it_is_opened_under_another_cost_weight_and_no_longer_decided_again() {
    let desk = with_log();
    let (before, _, _) = folded(&desk, TURNS);
    desk.write("market.toml", &format!("{MARKET}policy = {{ weights = {{ wait = 700 }} }}\n"));
    let server = Server::start(&desk);
    assert_eq!(server.end("-TERM"), Some(0));

    // The first new turn says that other settings are in force, and changes nothing else.
    let (state, upgraded, chain) = folded(&desk, TURNS);
    assert_eq!((state.digest(), &*chain), (before.digest(), CHAIN));
    let upgraded = upgraded.expect("the market said something when it came back");
    let Command::Upgrade(upgrade) = &upgraded.command else { panic!("{upgraded:?}") };
    let Upgrade { settings, .. } = &**upgrade;
    let (was, is) = (&before.settings().policy.weights, &settings.policy.weights);
    assert!(was != is && is.0[Term::Wait as usize] == 700, "{was:?}, then {is:?}");
    let (after, _, _) = folded(&desk, TURNS + 1);
    assert_eq!(account(&after), account(&before));
    assert_eq!(after.settings(), settings);

    assert_eq!(desk.hansom("replay data/town").code, 0);
    insta::assert_snapshot!("refused", desk.transcript(&["replay data/town --verify"]));
    let until = desk.hansom(&format!("replay data/town --verify --until {}", TURNS - 1));
    assert_eq!(until.code, 0, "{}", until.whole());
}
