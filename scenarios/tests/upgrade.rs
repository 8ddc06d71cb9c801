//! Logs that earlier versions wrote, opened as served markets under another cost weight: see `upgrade/README.md`.

use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::Path;

use hansom_engine::domain::{StopKind, Term};
use hansom_engine::record::canonical::{EventChain, blank};
use hansom_engine::record::{LOGIC_VERSION, Upgrade};
use hansom_engine::{Command, State, Turn, steps};
use hansom_geo_index::import::synthetic;
use hansom_geo_index::{Coord, Network};
use hansom_market::log::Reader;
use insta::assert_snapshot;
use liblzma::read::XzDecoder;
use serde_json::json;

use crate::harness::Desk;
use crate::serve::{Server, order};

/// How all were served when they were written.
const MARKET: &str = include_str!("upgrade/market.toml");

/// A log, and what was said of it by the last landing with its rules when it folded it and decided it again.
struct Log {
    /// The commit that wrote it.
    commit: &'static str,
    /// The version of its rules.
    rules: u32,
    turns: usize,
    /// The hash of its facts.
    chain: &'static str,
    /// The hash of what the market knew after them. A state that knows something new has another one.
    digest: &'static str,
}

const LOGS: [Log; 3] = [
    Log {
        commit: "6757851",
        rules: 1,
        turns: 160,
        chain: "fcc1163274e79e9cf4ebb801b55167ef",
        digest: "0aa7b45e9d4657f54dbd2d9ce710b4f1",
    },
    Log {
        commit: "0fdfad7",
        rules: 1,
        turns: 136,
        chain: "f9052d606bcec0f6878b52159e98a6a1",
        digest: "ff0744e49b8fbe259d84df2cdacd5ffc",
    },
    Log {
        commit: "02674f6",
        rules: 2,
        turns: 158,
        chain: "3a18ff30deda75003061fee5aa3391a5",
        digest: "b6f84f0508f2a2108e804013ab7fb8a7",
    },
];

/// What each segment begins with.
const MAGIC: &[u8] = b"HANSOMLG";

impl Log {
    /// A desk with the log as the earlier version left it.
    fn unpacked(&self) -> Desk {
        let desk = Desk::new();
        let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/tests/upgrade").join(self.commit);
        fs::create_dir_all(desk.path("data/town/log")).expect("a folder");
        for entry in fs::read_dir(packed).expect("the log is there") {
            let file = fs::File::open(entry.expect("an entry").path()).expect("a file");
            let mut bytes = Vec::new();
            XzDecoder::new(file).read_to_end(&mut bytes).expect("it is packed");
            let starts: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(MAGIC)).collect();
            for (index, start) in starts.iter().enumerate() {
                let segment = &bytes[*start..starts.get(index + 1).copied().unwrap_or(bytes.len())];
                let first = u64::from_le_bytes(segment[16..24].try_into().expect("eight bytes"));
                fs::write(desk.path(&format!("data/town/log/{first:020}.seg")), segment).expect("it can be written");
            }
        }
        desk
    }
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
fn they_are_folded_to_what_they_said_and_decided_again_by_the_same_rules() {
    for log in LOGS {
        let desk = log.unpacked();
        let (state, next, chain) = folded(&desk, log.turns);
        assert_eq!((next, &*chain), (None, log.chain), "{}", log.commit);
        assert_snapshot!(format!("open_rides_of_{}", log.commit), account(&state));
        assert_eq!(format!("{:032x}", state.digest()), log.digest, "{}", log.commit);

        // As long as rules have the version that the log names, they decide what they decided then.
        let logged = Reader::open(&desk.path("data/town")).expect("a log").header().logic_version;
        assert_eq!(logged, log.rules, "{}", log.commit);
        let again = desk.hansom("replay data/town --verify");
        let expected = if log.rules == LOGIC_VERSION { (0, log.chain) } else { (2, "E0702") };
        assert!(again.code == expected.0 && again.whole().contains(expected.1), "{}", again.whole());
    }
}

#[test]
fn they_are_opened_under_another_cost_weight_and_no_longer_decided_again() {
    for log in LOGS {
        let desk = log.unpacked();
        let (before, _, _) = folded(&desk, log.turns);
        desk.write("market.toml", &format!("{MARKET}policy = {{ weights = {{ wait = 700 }} }}\n"));
        let server = Server::start(&desk);
        // Who was on board when the earlier version was killed gets out now.
        let ended = end_trips(&server, &before);
        assert!(ended > 0, "{}", log.commit);
        assert_eq!(server.end("-TERM"), Some(0));

        // The first new turn says that other settings are in force, and changes nothing else.
        let (state, upgraded, chain) = folded(&desk, log.turns);
        assert_eq!((state.digest(), &*chain), (before.digest(), log.chain));
        let upgraded = upgraded.expect("the market said something when it came back");
        let Command::Upgrade(upgrade) = &upgraded.command else { panic!("{upgraded:?}") };
        let Upgrade { settings, .. } = &**upgrade;
        let (was, is) = (&before.settings().policy.weights, &settings.policy.weights);
        assert!(was != is && is.0[Term::Wait as usize] == 700, "{was:?}, then {is:?}");
        let (after, _, _) = folded(&desk, log.turns + 1);
        assert_eq!(account(&after), account(&before));
        assert_eq!(after.settings(), settings);

        assert_eq!(desk.hansom("replay data/town").code, 0);
        assert_snapshot!(format!("refused_for_{}", log.commit), desk.transcript(&["replay data/town --verify"]));
        let until = desk.hansom(&format!("replay data/town --verify --until {}", log.turns - 1));
        assert_eq!(until.code == 0, log.rules == LOGIC_VERSION, "{}", until.whole());
    }
}

/// Ends the trips of all who are on board where they want to get out; how many there are.
fn end_trips(server: &Server, state: &State) -> usize {
    let network = network();
    let aboard = state.fleet().drivers().filter_map(|driver| Some((driver, driver.on_board()?)));
    let ended = aboard.map(|(driver, ride)| {
        let stop = driver.plan.next().expect("a stop");
        assert_eq!((stop.kind, stop.ride), (StopKind::Dropoff, ride));
        let Coord { lat, lon } = network.coord(stop.place);
        let place = json!({ "lat": f64::from(lat) / 1e7, "lon": f64::from(lon) / 1e7 });
        let data = json!({ "driver": &*driver.name.0, "ride": ride.0, "session": driver.device.0, "place": place });
        let answer = server.order(&order(u64::from(ride.0), "end_trip", &data));
        assert!(answer["offset"].is_u64() && answer.get("error").is_none(), "{answer}");
    });
    ended.count()
}
