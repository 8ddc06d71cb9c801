//! The life of a driver session: on shift, finishing, off; and which of his devices speaks for him.

use crate::domain::Session;
use std::cmp::Ordering;

/// Where a driver's session is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// Not on shift.
    #[default]
    Off,
    /// On shift, may get offers.
    On,
    /// The shift is over, but rides are promised: gets no offers and is off after the last one.
    Finishing,
}

impl Status {
    /// As in files and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off shift",
            Self::On => "on shift",
            Self::Finishing => "finishing",
        }
    }
}

/// What can happen to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cue {
    /// The driver starts a shift.
    Start,
    /// The driver ends the shift with nothing promised.
    End,
    /// The driver ends the shift while rides are promised.
    EndCommitted,
    /// The last promised ride is over.
    Drain,
    /// Another device of the driver takes over.
    TakeOver,
}

/// Why a session refused a cue. Drivers read these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// A shift is under way.
    #[error("the driver is already {}", .0.name())]
    OnShift(Status),
    /// No shift is under way.
    #[error("the driver is not on shift")]
    OffShift,
    /// Another device of the driver took over.
    #[error("a newer session is open: this is session {given}, the open one is {open}")]
    Superseded {
        /// The sender's.
        given: Session,
        /// The open one.
        open: Session,
    },
    /// Nobody opened this session.
    #[error("session {given} was never opened; the open one is {open}")]
    NotOpened {
        /// The sender's.
        given: Session,
        /// The open one.
        open: Session,
    },
}

/// The whole life of a session. No wildcard: a new status or cue is decided here before it compiles.
#[expect(clippy::match_same_arms, reason = "cells of a life are listed by what they mean, not by where they lead")]
pub fn transition(status: Status, cue: Cue) -> Result<Status, Refusal> {
    use Status::{Finishing, Off, On};
    match (status, cue) {
        (Off, Cue::Start) => Ok(On),
        (On | Finishing, Cue::Start) => Err(Refusal::OnShift(status)),
        (On, Cue::End) => Ok(Off),
        (On, Cue::EndCommitted) => Ok(Finishing),
        (Finishing, Cue::End | Cue::EndCommitted) => Err(Refusal::OnShift(Finishing)),
        (Finishing, Cue::Drain) => Ok(Off),
        // A driver on shift stays on shift when a ride ends.
        (On, Cue::Drain) => Ok(On),
        (On | Finishing, Cue::TakeOver) => Ok(status),
        (Off, Cue::End | Cue::EndCommitted | Cue::Drain | Cue::TakeOver) => Err(Refusal::OffShift),
    }
}

/// Whether a device of session `given` speaks for a driver whose open session is `open`.
pub fn fence(open: Session, given: Session) -> Result<(), Refusal> {
    match given.cmp(&open) {
        Ordering::Equal => Ok(()),
        Ordering::Less => Err(Refusal::Superseded { given, open }),
        Ordering::Greater => Err(Refusal::NotOpened { given, open }),
    }
}
