//! Seeds: some hundreds of any kind, those that failed once, and one in which the power goes at every operation of the disk.

use hansom_faults::{Ending, Options, Summary, run};

fn passes(seed: u64, options: Options) -> Summary {
    run(seed, options).unwrap_or_else(|failure| panic!("{}\n{failure}", failure.story.join("\n")))
}

#[test]
fn two_hundred_seeds() {
    let summaries: Vec<Summary> = (0..200).map(|seed| passes(seed, Options::default())).collect();
    let sum = |of: fn(&Summary) -> u64| summaries.iter().map(of).sum::<u64>();
    // What is to be tried is tried.
    assert!(sum(|one| one.answers) > 10_000);
    assert!(sum(|one| one.crashes) > 500);
    assert!(sum(|one| one.snapshots) > 200);
    assert!(sum(|one| one.repaired) > 5);
    assert!(sum(|one| one.malformed) > 1_000);
    let detected = summaries.iter().filter(|one| one.ending == Ending::Detected).count();
    assert!(detected > 5, "{detected} disks that lied were found out");
}

#[test]
fn a_seed_is_the_same_again() {
    for seed in [1, 7, 12] {
        assert_eq!(passes(seed, Options::default()), passes(seed, Options::default()));
    }
}

/// Seed 10: a warning about an earlier ride took the next one from a driver who had just accepted it.
#[test]
fn a_warning_ends_with_its_ride() {
    passes(10, Options::default());
}

/// Seed 16: the retry of a request was a conflict once a driver whom the rider shall not meet had come.
#[test]
fn a_retry_is_no_conflict_when_a_blocked_driver_comes() {
    passes(16, Options::default());
}
