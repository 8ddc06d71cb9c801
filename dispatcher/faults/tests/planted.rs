//! Bugs planted in the market, each seen within some seeds, and as what it is.

use hansom_engine::invariant::Invariant;
use hansom_faults::Bug::{Disk, Files, FollowBeforeSync, NoAnswer, ReleaseAfterError, ReleaseBeforeSync, Rule};
use hansom_faults::Promise::{
    Alone, Answer, Calm, Deadline, Detected, Ends, Holds, Kept, Once, Redecided, Restored, Starts, Synced,
};
use hansom_faults::{Bug, DiskBug, FileBug, Options, Promise, RuleBug, run};

/// No bug is looked for under more seeds than this.
const MOST: u64 = 100;

/// Runs seeds until the bug breaks a promise.
fn seen(bug: Bug, as_one_of: &[Promise]) {
    let options = Options { bug: Some(bug), ..Options::default() };
    let failure = (0..MOST).find_map(|seed| run(seed, options).err());
    let failure = failure.unwrap_or_else(|| panic!("{bug:?} was not seen under {MOST} seeds"));
    assert!(as_one_of.contains(&failure.broken.promise), "{bug:?} was taken for something else: {failure}");
    println!("{bug:?}: {failure}");
}

macro_rules! planted {
    ($($name:ident: $bug:expr => $($promise:expr),+;)+) => {
        $(#[test]
        fn $name() {
            seen($bug, &[$($promise),+]);
        })+
    };
}

planted! {
    no_epoch_fence: Rule(RuleBug::NoEpochFence) => Answer;
    no_session_fence: Rule(RuleBug::NoSessionFence) => Answer;
    no_dedupe: Rule(RuleBug::NoDedupe) => Once, Answer, Holds(Invariant::Once);
    no_conflict: Rule(RuleBug::NoConflict) => Answer;
    no_seat_check: Rule(RuleBug::NoSeatCheck) => Answer, Holds(Invariant::Seats);
    no_blocklist: Rule(RuleBug::NoBlocklist) => Answer;
    timer_tie: Rule(RuleBug::TimerTie) => Deadline;
    deadline_before_command: Rule(RuleBug::DeadlineBeforeCommand) => Deadline;
    ledger_leg: Rule(RuleBug::LedgerLeg) => Holds(Invariant::Ledger);
    charge_above_quote: Rule(RuleBug::ChargeAboveQuote) => Holds(Invariant::Charge);
    charged_twice: Rule(RuleBug::ChargedTwice) => Once;
    two_drivers: Rule(RuleBug::TwoDrivers) => Answer, Holds(Invariant::OneDriver);
    two_offers: Rule(RuleBug::TwoOffers) => Answer, Holds(Invariant::Commitments);
    boarded_after_end: Rule(RuleBug::BoardedAfterEnd) => Answer, Holds(Invariant::Terminal), Holds(Invariant::OneDriver);
    unattended: Rule(RuleBug::Unattended) => Deadline, Holds(Invariant::Attended);
    stale_position: Rule(RuleBug::StalePosition) => Answer;
    out_of_line: Rule(RuleBug::OutOfLine) => Holds(Invariant::Line);
    no_warning: Rule(RuleBug::NoWarning) => Deadline;
    early_no_show: Rule(RuleBug::EarlyNoShow) => Deadline;
    early_retire: Rule(RuleBug::EarlyRetire) => Deadline;
    early_forget: Rule(RuleBug::EarlyForget) => Deadline;
    no_forget: Rule(RuleBug::NoForget) => Deadline;
    hidden_input: Rule(RuleBug::HiddenInput) => Redecided;
    drift: Rule(RuleBug::Drift) => Restored;
    no_resume: Rule(RuleBug::NoResume) => Starts;
    panics: Rule(RuleBug::Panic) => Calm;
    release_before_sync: ReleaseBeforeSync => Synced;
    release_after_error: ReleaseAfterError => Synced;
    follow_before_sync: FollowBeforeSync => Starts;
    no_answer: NoAnswer => Ends;
    no_sync: Disk(DiskBug::NoSync) => Synced;
    no_folder_sync: Disk(DiskBug::NoFolderSync) => Synced;
    write_errors_passed_over: Disk(DiskBug::WriteErrorsPassedOver) => Synced;
    sync_retried: Disk(DiskBug::SyncRetried) => Synced;
    no_lock: Disk(DiskBug::NoLock) => Alone;
    no_checksum: Files(FileBug::NoChecksum) => Kept, Restored, Starts;
    torn_tail_accepted: Files(FileBug::TornTailAccepted) => Kept;
    tail_cut_too_far: Files(FileBug::TailCutTooFar) => Kept;
    damage_cut_off: Files(FileBug::DamageCutOff) => Kept, Detected;
    wrong_snapshot: Files(FileBug::WrongSnapshot) => Restored;
    log_started_anew: Files(FileBug::LogStartedAnew) => Kept;
}

/// The writer in which bugs of rules are planted is as good as the market's: it is not what is seen.
#[test]
fn nothing_planted_nothing_seen() {
    for seed in 0..40 {
        let options = Options { bug: Some(Rule(RuleBug::None)), ..Options::default() };
        run(seed, options).unwrap_or_else(|failure| panic!("{failure}"));
    }
}
