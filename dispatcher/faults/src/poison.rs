//! Records that no rule can decide, where a seed is run with such: deciding them panics, each time that they come.

use hansom_engine::{Command, Key};

/// Whether a position with this number is one.
pub(crate) fn is_ping(seq: u32) -> bool {
    seq % 5 == 3
}

/// Whether an order is one. Of those after which whoever sent it goes on by himself.
pub(crate) fn is_order(key: Option<Key>, command: &Command) -> bool {
    let may_be = matches!(command, Command::CancelRide { .. } | Command::DeclineOffer { .. });
    may_be && key.is_some_and(|key| key.0 % 3 == 0)
}
