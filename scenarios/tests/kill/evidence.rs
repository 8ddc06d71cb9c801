//! What a log says of the orders that were answered, and whether all who read it agree.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hansom_engine::record::{Event, Header};
use hansom_engine::{Key, Offset, Turn};
use hansom_geo_index::Millis;
use hansom_geo_index::import::synthetic;
use hansom_market::log::{LogError, Reader};
use hansom_market::replay::{self, Check, ReplayError, Until};
use hansom_market::{Streets, recovery};

use super::load::Acked;

/// The turns that a key has in a log.
#[derive(Debug, Default)]
struct Kept {
    /// Those in which the order had its effect, or was refused.
    effects: Vec<u64>,
    refusals: Vec<u64>,
}

/// What a log holds.
pub struct Evidence {
    keys: BTreeMap<Key, Kept>,
    pub turns: u64,
}

/// The streets of the market.
pub fn streets() -> Streets {
    let network = synthetic::city("small-town", synthetic::DEFAULT_SEED).expect("it is known");
    Streets::new(Arc::new(network))
}

impl Evidence {
    /// Reads the log of the market in `folder`, which was killed: folds it, decides it again, and recovers it. All have to
    /// agree. The folder is changed by that.
    pub fn of(folder: &Path, streets: &Streets) -> Self {
        let mut keys: BTreeMap<Key, Kept> = BTreeMap::new();
        let (folded, header) = fold(folder, streets, |turn| note(&mut keys, turn));
        let mut digest = None;
        let last = Until::Offset(Offset(folded.1 - 1));
        let mut reader = Reader::open(folder).expect("it was read before");
        let decided = replay::redecide(&mut reader, streets, last, Check::EngineAndPlanner, |state, turn| {
            if turn.offset.0 + 1 == folded.1 {
                digest = Some(state.digest());
            }
        });
        match decided {
            Ok(_) | Err(ReplayError::Log(LogError::Torn { .. })) => {}
            Err(error) => panic!("the log does not decide again: {error}"),
        }
        assert_eq!(digest, Some(folded.0), "deciding again leads elsewhere than folding");
        // Ten minutes later.
        let now = folded.2 + Millis::from_secs(600);
        let recovered = recover(folder, &header, streets, now);
        assert_eq!(recovered.1, folded.1, "recovery ends at another turn than the log");
        let (again, _) = fold(folder, streets, |_| {});
        assert_eq!(recovered.0, again.0, "recovery knows another state than the log");
        Self { keys, turns: folded.1 }
    }

    /// Only reads, for what is in the log.
    pub fn read(folder: &Path, streets: &Streets) -> Self {
        let mut keys: BTreeMap<Key, Kept> = BTreeMap::new();
        let (folded, _) = fold(folder, streets, |turn| note(&mut keys, turn));
        Self { keys, turns: folded.1 }
    }

    /// Demands that each answered order is there, once, where its sender was told.
    pub fn holds(&self, acked: &[Acked]) {
        for Acked { key, offset, refused } in acked {
            let kept =
                self.keys.get(key).unwrap_or_else(|| panic!("the order {key} was answered and is not in the log"));
            if *refused {
                assert!(kept.refusals.contains(offset), "{key} was refused at {offset}: {kept:?}");
            } else {
                assert_eq!(kept.effects, [*offset], "{key} was acknowledged at {offset}: {kept:?}");
            }
        }
        for (key, kept) in &self.keys {
            assert!(kept.effects.len() <= 1, "{key} took effect more than once: {kept:?}");
        }
    }
}

fn note(keys: &mut BTreeMap<Key, Kept>, turn: &Turn) {
    let Some(key) = turn.key else { return };
    let kept = keys.entry(key).or_default();
    let is = |what: fn(&Event) -> bool| turn.events.iter().any(what);
    if is(|event| matches!(event, Event::Refused { .. } | Event::RequestRefused { .. })) {
        kept.refusals.push(turn.offset.0);
    } else if !is(|event| matches!(event, Event::Repeated { .. })) {
        kept.effects.push(turn.offset.0);
    }
}

/// The digest of what the log leads to, how many turns it has, and when the last one was.
fn fold(folder: &Path, streets: &Streets, mut visit: impl FnMut(&Turn)) -> ((u128, u64, Millis), Header) {
    let mut reader = Reader::open(folder).expect("there is a log");
    let header = reader.header().clone();
    // The state is asked for at the last turn: of a log whose last turn was not written whole there is no other.
    let last = last_turn(folder);
    let folded = replay::fold(&mut reader, &streets.network, Until::Offset(last), |_, turn| visit(turn));
    let replayed = folded.unwrap_or_else(|error| panic!("the log does not fold: {error}"));
    ((replayed.state.digest(), replayed.turns, replayed.at.unwrap_or_default()), header)
}

fn last_turn(folder: &Path) -> Offset {
    let mut reader = Reader::open(folder).expect("there is a log");
    let mut turn = hansom_engine::record::canonical::blank();
    loop {
        match reader.next(&mut turn) {
            Ok(Some(_)) => {}
            Ok(None) | Err(LogError::Torn { .. }) => return Offset(reader.position() - 1),
            Err(error) => panic!("the log is damaged: {error}"),
        }
    }
}

/// Opens the market as the server does. Its digest after its first new turns, and where it went on.
fn recover(folder: &Path, header: &Header, streets: &Streets, now: Millis) -> (u128, u64) {
    let opened = recovery::open(folder, header, streets, now, recovery::Keep::default(), Box::new(|_| {}));
    let recovery::Opened { market, follower, report } = opened.unwrap_or_else(|error| panic!("no recovery: {error}"));
    let digest = market.state().digest();
    market.close().expect("the log closes");
    let followed = follower.close().expect("the follower agrees");
    assert_eq!(followed.state().digest(), digest, "the follower knows another state than the market");
    (digest, report.next.0)
}
