//! Bugs planted in the market, each seen within some seeds, and as what it is.
//!
//! | invariant | its bugs |
//! | --- | --- |
//! | 1 a vehicle never holds overlapping commitments | `two_offers` |
//! | 2 a ride has at most one current driver | `two_drivers` |
//! | 3 each acknowledged command takes effect exactly once | `no_dedupe`, `no_conflict`, `charged_twice` |
//! | 4 terminal states stay terminal | `boarded_after_end` |
//! | 5 every open ride has a timer or an active driver | `unattended` |
//! | 6 the ledger sums to zero | `ledger_leg` |
//! | 7 the charge equals the quote | `charge_above_quote` |
//! | 8 seats never exceed capacity | `no_seat_check` |
//! | 9 the index is the fold of the accepted pings | `missed_ping`, `stale_index`, `stale_position` |
//! | 10 what is restored is what was there | `wrong_snapshot`, `drift`, `no_checksum` |
//! | 11 a poison record delays only itself | `poison_takes_bundle`, `poison_takes_effect`, `poison_stops`, `panics` |
//! | 12 a subscription sees no gap, or a declared one | `stream_skips`, `gap_untold` |
//! | 13 when faults stop, every ride reaches a terminal state | `passed_over`, `never_given_up`, `no_answer` |
//! | 14 first in, first out where a queue promises it | `out_of_line` |
//! | 15 a driver is in one market at a time | a simulation has one market: `dispatcher/src/supervisor/tests/elsewhere.rs` has several, which know nothing of each other |
//!
//! Some are seen by the model before the engine's own invariant would show them, as the account of the rules is the finer one.
//! The rules of durability: nothing is released before it is synced (`release_before_sync`, `release_after_error`,
//! `follow_before_sync`, `no_sync`, `no_folder_sync`, `write_errors_passed_over`, `sync_retried`), nothing is taken for a turn that is
//! none (`torn_tail_accepted`, `no_checksum`), nothing is cut off that was released (`tail_cut_too_far`, `damage_cut_off`,
//! `log_started_anew`), one process at a time (`no_lock`). All others are of rules that the model knows: fences, deadlines, ties.

use hansom_engine::invariant::Invariant;
use hansom_faults::Bug::{
    Disk, Files, FollowBeforeSync, GapUntold, NoAnswer, ReleaseAfterError, ReleaseBeforeSync, Rule, StreamSkips,
};
use hansom_faults::Promise::{
    Alone, Answer, Calm, Deadline, Detected, Ends, Followed, Holds, Kept, Once, Redecided, Restored, Starts, Synced,
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
    never_given_up: Rule(RuleBug::NeverGivenUp) => Deadline;
    passed_over: Rule(RuleBug::PassedOver) => Ends;
    missed_ping: Rule(RuleBug::MissedPing) => Holds(Invariant::Index);
    stale_index: Rule(RuleBug::StaleIndex) => Holds(Invariant::Index);
    poison_takes_bundle: Rule(RuleBug::PoisonTakesBundle) => Holds(Invariant::Poison);
    poison_takes_effect: Rule(RuleBug::PoisonTakesEffect) => Holds(Invariant::Poison);
    poison_stops: Rule(RuleBug::PoisonStops) => Starts;
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
    stream_skips: StreamSkips => Followed;
    gap_untold: GapUntold => Followed;
    no_answer: NoAnswer => Ends;
    no_sync: Disk(DiskBug::NoSync) => Synced;
    no_folder_sync: Disk(DiskBug::NoFolderSync) => Synced;
    write_errors_passed_over: Disk(DiskBug::WriteErrorsPassedOver) => Synced;
    sync_retried: Disk(DiskBug::SyncRetried) => Synced;
    no_lock: Disk(DiskBug::NoLock) => Alone;
    no_checksum: Files(FileBug::NoChecksum) => Kept, Restored, Starts, Followed;
    torn_tail_accepted: Files(FileBug::TornTailAccepted) => Kept;
    tail_cut_too_far: Files(FileBug::TailCutTooFar) => Kept;
    damage_cut_off: Files(FileBug::DamageCutOff) => Kept, Detected;
    wrong_snapshot: Files(FileBug::WrongSnapshot) => Restored;
    log_started_anew: Files(FileBug::LogStartedAnew) => Kept;
}

/// Records that cannot be decided, positions and orders, delay nothing but themselves: all else is as the model says, every ride
/// ends, and the log is decided again to the same facts.
#[test]
fn poison_delays_only_itself() {
    let options = Options { bug: Some(Rule(RuleBug::Poison)), ..Options::default() };
    let passes = |seed| run(seed, options).unwrap_or_else(|failure| panic!("{failure}"));
    let poisoned: u64 = (0..40).map(|seed| passes(seed).poisoned).sum();
    assert!(poisoned > 1_000, "{poisoned} records could not be decided");
}

/// The writer in which bugs of rules are planted is as good as the market's: it is not what is seen.
#[test]
fn nothing_planted_nothing_seen() {
    for seed in 0..40 {
        let options = Options { bug: Some(Rule(RuleBug::None)), ..Options::default() };
        run(seed, options).unwrap_or_else(|failure| panic!("{failure}"));
    }
}
