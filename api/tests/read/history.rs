//! A history is a fold of the turns, however it came to be.

use super::{Course, all, by_number, course, view, whole};
use hansom_api::read::history::{History, Source, Useless, What};
use hansom_engine::{RideId, Turn};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

/// How a piece of a history is written.
#[derive(Debug, Clone, Copy)]
struct Piece {
    turns: usize,
    sync: bool,
    /// The process is killed behind it.
    kill: bool,
}

fn piece() -> impl Strategy<Value = Piece> {
    (1..40_usize, any::<bool>(), prop::bool::weighted(0.3)).prop_map(|(turns, sync, kill)| Piece { turns, sync, kill })
}

/// Writes a history in pieces, with kills between: what the disk holds then is what the next process finds.
fn in_pieces(folder: &Path, source: &Source, turns: &[Turn], pieces: &[Piece]) -> [u8; 32] {
    let file = |life: usize| folder.join(format!("life {life}"));
    let (mut history, mut writer) = History::create(&file(0), source).expect("a file");
    let mut lives = 0;
    let mut pieces = pieces.iter().cycle();
    while (writer.reach().next as usize) < turns.len() {
        let Piece { turns: count, sync, kill } = *pieces.next().expect("there are pieces");
        let next = writer.reach().next as usize;
        turns[next..].iter().take(count).for_each(|turn| writer.take(turn));
        writer.write(sync).expect("a disk");
        if kill && lives < 6 {
            lives += 1;
            fs::copy(file(lives - 1), file(lives)).expect("a disk");
            (history, writer) = History::open(&file(lives), source).expect("a disk").expect("it can be gone on with");
        }
    }
    writer.write(true).expect("a disk");
    history.digest().expect("rows")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_history_that_was_killed_and_went_on_equals_one_made_anew(
        course in course(),
        pieces in prop::collection::vec(piece(), 1..12),
    ) {
        let (turns, _) = course.play();
        let folder = tempfile::tempdir().expect("a folder");
        let (history, _writer) = whole(&folder.path().join("whole"), &course.source(), &turns);
        let went_on = in_pieces(folder.path(), &course.source(), &turns, &pieces);
        prop_assert_eq!(history.digest().expect("rows"), went_on);
    }

    #[test]
    fn history_and_view_say_what_the_engine_knows(course in course()) {
        let (turns, state) = course.play();
        let folder = tempfile::tempdir().expect("a folder");
        let (history, _writer) = whole(&folder.path().join("history"), &course.source(), &turns);
        let view = view(&course, &turns);
        prop_assert_eq!(view.state().digest(), state.digest());
        let rows = by_number(all(&history));
        prop_assert_eq!(rows.len() as u32 + 1, state.rides().next_id().0, "every request has a row");
        for ride in state.rides().iter() {
            let (row, shown) = (&rows[&ride.id.0], view.ride(ride.id.0).expect("it is in the state"));
            prop_assert_eq!(row.status(), shown.status());
            prop_assert_eq!(&row.rider, &shown.rider);
            prop_assert_eq!(&row.request, &shown.request);
            prop_assert_eq!(row.requested_at_ms, shown.requested_at_ms);
            prop_assert_eq!((row.seats, row.class, row.tier), (shown.seats, shown.class, shown.tier));
            prop_assert_eq!(row.offers, shown.offers);
            if row.is_open() {
                prop_assert_eq!(&row.driver, &shown.driver);
                prop_assert_eq!(row.promised_at_ms, shown.promised_at_ms);
                prop_assert_eq!(row.offer.as_ref().map(|o| (&o.driver, o.epoch)), shown.offer.as_ref().map(|o| (&o.driver, o.epoch)));
            } else {
                prop_assert_eq!(row.payment.is_some(), ride.settled);
            }
        }
        for (number, row) in &rows {
            prop_assert!(state.rides().get(RideId(*number)).is_some() || !row.is_open(), "who left the state is over");
            let offsets: Vec<u64> = row.story.iter().map(|step| step.offset).collect();
            prop_assert!(offsets.is_sorted());
            let of = |what: What| row.story.iter().filter(|step| step.what() == what).count();
            prop_assert_eq!(of(What::Requested) + of(What::Refused), 1);
            prop_assert_eq!(of(What::Ended), usize::from(!row.is_open() && of(What::Refused) == 0));
        }
    }
}

fn some_course() -> Course {
    let orders = (0..60_u16).flat_map(|n| {
        use crate::course::Order;
        [
            (Order::Start((n % 6) as u8, n * 7), 100),
            (Order::Request(n * 3, n * 5, 1), 900),
            (Order::Accept((n % 6) as u8, 1), 300),
            (Order::Next((n % 6) as u8), 4_000),
        ]
    });
    Course { seed: 7, batch: false, chain: false, forgets: false, orders: orders.collect() }
}

fn made(folder: &Path) -> (Course, PathBuf, Vec<Turn>) {
    let course = some_course();
    let (turns, _) = course.play();
    let path = folder.join("history");
    drop(whole(&path, &course.source(), &turns));
    (course, path, turns)
}

#[test]
fn a_history_that_is_missing_or_of_another_log_is_not_gone_on_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let (course, path, _) = made(folder.path());
    let open = |path: &Path, source: &Source| History::open(path, source).expect("a disk").map(|_| ());
    assert_eq!(open(&folder.path().join("none"), &course.source()), Err(Useless::Missing));
    let other = Course { seed: 8, ..course.clone() };
    assert_eq!(open(&path, &other.source()), Err(Useless::OtherLog));
    assert_eq!(open(&path, &course.source()), Ok(()));
}

#[test]
fn a_history_of_any_bytes_is_told_useless_and_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let (course, path, turns) = made(folder.path());
    let bytes = fs::read(&path).expect("a file");
    let digest = whole(&folder.path().join("again"), &course.source(), &turns).0.digest().expect("rows");
    let mut changed: Vec<Vec<u8>> = vec![b"no database".to_vec(), Vec::new(), bytes[..bytes.len() / 2].to_vec()];
    changed.push({
        let mut bytes = bytes.clone();
        bytes[..4096].fill(0xa5);
        bytes
    });
    for bytes in changed {
        fs::write(&path, bytes).expect("a disk");
        let found = History::open(&path, &course.source()).expect("a disk");
        assert!(matches!(found, Err(Useless::Damaged(_) | Useless::Version { .. })), "{:?}", found.map(|_| ()));
        let (history, _writer) = whole(&path, &course.source(), &turns);
        assert_eq!(history.digest().expect("rows"), digest);
    }
}
