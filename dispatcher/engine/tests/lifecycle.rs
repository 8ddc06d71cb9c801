//! Every cell of every life, printed as tables: a changed rule is a changed cell in review.

use hansom_engine::domain::{DriverId, Epoch};
use hansom_engine::lifecycle::{offer, ride, session};
use std::fmt::{Display, Write};

/// A table of what each cue does in each status; `mine` and `other` are two drivers.
fn table<S: Copy, C: Copy, R: Display>(
    statuses: &[(&str, S)],
    cues: &[(&str, C)],
    transition: impl Fn(S, C) -> Result<S, R>,
    name: impl Fn(S) -> String,
) -> String {
    let mut text = String::new();
    for (status_name, status) in statuses {
        writeln!(text, "{status_name}").expect("a string takes everything");
        for (cue_name, cue) in cues {
            let cell = match transition(*status, *cue) {
                Ok(next) => format!("→ {}", name(next)),
                Err(refusal) => format!("✗ {refusal}"),
            };
            writeln!(text, "    {cue_name:<18} {cell}").expect("a string takes everything");
        }
    }
    text
}

#[test]
fn the_life_of_a_ride() {
    use ride::{Cue, Outcome, Status};
    let (mine, other) = (DriverId(1), DriverId(2));
    let statuses = [
        ("searching", Status::Searching),
        ("exhausted", Status::Exhausted),
        ("offered", Status::Offered(mine)),
        ("assigned", Status::Assigned(mine)),
        ("waiting", Status::Waiting(mine)),
        ("on board", Status::OnBoard(mine)),
        ("ended", Status::Ended(Outcome::Completed)),
    ];
    let cues = [
        ("offer", Cue::Offer(mine)),
        ("accept", Cue::Accept(mine)),
        ("accept by other", Cue::Accept(other)),
        ("lose offer", Cue::LoseOffer),
        ("exhaust", Cue::Exhaust),
        ("arrive", Cue::Arrive(mine)),
        ("arrive by other", Cue::Arrive(other)),
        ("board", Cue::Board(mine)),
        ("board by other", Cue::Board(other)),
        ("complete", Cue::Complete(mine)),
        ("complete by other", Cue::Complete(other)),
        ("end early", Cue::EndEarly(mine)),
        ("end early by other", Cue::EndEarly(other)),
        ("cancel", Cue::Cancel),
        ("release", Cue::Release(mine)),
        ("release of other", Cue::Release(other)),
        ("no show", Cue::NoShow(mine)),
        ("no show at other", Cue::NoShow(other)),
        ("give up", Cue::GiveUp),
    ];
    insta::assert_snapshot!(table(&statuses, &cues, ride::transition, |status| status.name().into()));
}

#[test]
fn the_life_of_an_offer() {
    use offer::{Cue, Outcome, Status};
    let statuses = [
        ("open, epoch 2", Status::Open { epoch: Epoch(2) }),
        ("accepted", Status::Settled(Outcome::Accepted)),
        ("declined", Status::Settled(Outcome::Declined)),
        ("expired", Status::Settled(Outcome::Expired)),
        ("withdrawn", Status::Settled(Outcome::Withdrawn)),
    ];
    let cues = [
        ("accept epoch 2", Cue::Accept(Epoch(2))),
        ("accept epoch 1", Cue::Accept(Epoch(1))),
        ("decline epoch 2", Cue::Decline(Epoch(2))),
        ("decline epoch 1", Cue::Decline(Epoch(1))),
        ("expire", Cue::Expire),
        ("withdraw", Cue::Withdraw),
    ];
    let name = |status| match status {
        Status::Open { epoch } => format!("open, epoch {epoch}"),
        Status::Settled(outcome) => outcome.to_string(),
    };
    insta::assert_snapshot!(table(&statuses, &cues, offer::transition, name));
}

#[test]
fn the_life_of_a_session() {
    use session::{Cue, Status};
    let statuses = [("off shift", Status::Off), ("on shift", Status::On), ("finishing", Status::Finishing)];
    let cues = [
        ("start", Cue::Start),
        ("end", Cue::End),
        ("end, committed", Cue::EndCommitted),
        ("drain", Cue::Drain),
        ("take over", Cue::TakeOver),
    ];
    insta::assert_snapshot!(table(&statuses, &cues, session::transition, |status| status.name().into()));
}
