use proptest::prelude::*;

use super::*;
use hansom_dispatcher::NotPlaced;
use hansom_engine::record::PingRefusal;

const MS: Duration = Duration::from_millis(1);

fn bundle(number: u64) -> Bundle {
    Bundle { market: Name::from("town"), sender: Name::from("ann"), is_staff: false, key: Key(number.into()) }
}

#[test]
fn an_answer_is_kept_for_ten_minutes_and_is_its_senders_own() {
    let (mut kept, now) = (Kept::default(), Instant::now());
    let first = kept.slot(&bundle(1), now);
    kept.keep(bundle(1), &first, 1, now);
    let others = [
        Bundle { sender: Name::from("bob"), ..bundle(1) },
        Bundle { market: Name::from("city"), ..bundle(1) },
        Bundle { is_staff: true, ..bundle(1) },
        bundle(2),
    ];
    for other in others {
        let slot = kept.slot(&other, now);
        assert!(!Arc::ptr_eq(&first, &slot), "{other:?}");
        kept.keep(other, &slot, 0, now);
    }
    assert!(Arc::ptr_eq(&first, &kept.slot(&bundle(1), now + FOR)));
    let again = kept.slot(&bundle(1), now + FOR + MS);
    assert!(!Arc::ptr_eq(&first, &again));
    // Of two who try at the same time, the one whose try is known counts.
    kept.keep(bundle(1), &first, 5, now + FOR + MS);
    assert_eq!(kept.total, 0);
    kept.keep(bundle(1), &again, 0, now + FOR + MS);
    assert_eq!((kept.of.len(), kept.line.len(), kept.total), (0, 0, 0));
    // Who waited for one who learnt nothing.
    kept.keep(bundle(1), &again, 2, now + FOR + MS);
    assert!(Arc::ptr_eq(&again, &kept.slot(&bundle(1), now + FOR + MS)));
}

#[test]
fn who_gave_up_before_an_answer_leaves_nothing_for_ever() {
    let (mut kept, now) = (Kept::default(), Instant::now());
    let tried: Vec<Slot> = (0..100).map(|number| kept.slot(&bundle(number), now)).collect();
    for number in 100..10 * FEW as u64 {
        kept.slot(&bundle(number), now);
        assert!(kept.of.len() <= FEW.max(2 * tried.len()));
    }
    assert!((0..100).zip(&tried).all(|(number, slot)| Arc::ptr_eq(slot, &kept.slot(&bundle(number), now))));
}

proptest! {
    /// Whatever comes and goes: what is counted is what is kept, there is a bound, and the newest is there.
    #[test]
    fn the_oldest_give_way(steps in prop::collection::vec((0..40_u64, 0..3_usize, 0..60_000_u32), 1..300)) {
        let (mut kept, mut now) = (Kept::default(), Instant::now());
        for (number, kind, gap_ms) in steps {
            now += gap_ms * MS;
            let slot = kept.slot(&bundle(number), now);
            let before = kept.of[&bundle(number)].weight;
            // What was known stays so.
            let weight = before.max([0, 1, MOST / 8][kind]);
            kept.keep(bundle(number), &slot, weight, now);
            let weights = kept.of.values().map(|entry| entry.weight);
            prop_assert!(weights.clone().all(|weight| weight > 0));
            prop_assert_eq!(weights.sum::<usize>(), kept.total);
            prop_assert_eq!(kept.of.len(), kept.line.len());
            prop_assert!(kept.total <= MOST && kept.line.iter().is_sorted_by_key(|(since, _)| *since));
            let is_there = kept.of.get(&bundle(number)).is_some_and(|entry| Arc::ptr_eq(&entry.slot, &slot));
            prop_assert!(is_there || before > 0 || weight == 0);
        }
    }
}

fn refused(reason: PingRefusal) -> Failure {
    Failure::not_placed(NotPlaced::Refused { offset: hansom_engine::Offset(7), reason })
}

fn failed(of: &[(u32, Failure)]) -> Vec<PositionFailure> {
    of.iter().map(|(index, failure)| PositionFailure { index: *index, failure: failure.clone() }).collect()
}

fn told(answer: &PositionsReceived) -> (u32, Vec<u32>, u64) {
    (answer.received, answer.failures.iter().map(|failed| failed.index).collect(), answer.offset.0)
}

#[test]
fn what_is_open_has_another_try_and_what_was_in_doubt_is_taken_by_its_number() {
    let unknown = || Failure::late(Duration::from_secs(8));
    let left_out = || Failure::not_placed(NotPlaced::LeftOut);
    let mut first = First::of(1, 5);
    let open = |first: &First| first.open().iter().map(|open| open.index).collect::<Vec<_>>();
    assert_eq!((open(&first), first.is_worth_keeping()), (vec![0, 1, 2, 3, 4], false));
    let all = first.tried(failed(&[0, 1, 2, 3, 4].map(|index| (index, left_out()))), 3);
    assert_eq!((told(&all), first.is_worth_keeping()), ((0, vec![0, 1, 2, 3, 4], 3), false), "nothing has happened");
    let some = [(4, unknown()), (3, refused(PingRefusal::OffShift)), (1, unknown()), (2, left_out())];
    assert_eq!(told(&first.tried(failed(&some), 9)), (1, vec![1, 2, 3, 4], 9));
    assert_eq!((open(&first), first.is_worth_keeping()), (vec![1, 2, 4], true));
    // One has no room now, but may be there all the same; a later one of another is there, as his number says.
    let late = refused(PingRefusal::OutOfOrder);
    assert_eq!(
        told(&first.tried(failed(&[(1, left_out()), (2, late.clone()), (4, late.clone())]), 8)),
        (2, vec![1, 2, 3], 9)
    );
    assert_eq!(open(&first), [1]);
    let last = first.tried(failed(&[(1, late)]), 12);
    assert_eq!((told(&last), open(&first)), ((3, vec![2, 3], 12), vec![]));
    assert_eq!(told(&first.told()), told(&last));
}

#[test]
fn of_a_bundle_of_which_nobody_knows_anything_the_doubt_is_kept() {
    let mut first = First::of(1, 2);
    first.tried(failed(&[0, 1].map(|index| (index, Failure::late(MS)))), 3);
    assert!(first.is_worth_keeping());
    assert!(!First::of(1, 0).is_worth_keeping());
}
