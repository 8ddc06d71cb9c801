//! 6: the ledger sums to zero. 7: the charge equals the quote.

use super::{Found, Invariant};
use crate::domain::Money;
use crate::record::{Account, Event, SettlementCause};
use crate::state::State;

pub fn check(found: &mut Found<'_>, state: &State, event: &Event) {
    let Event::Settled(settlement) = event else { return };
    let sum: Money = settlement.entries.iter().map(|entry| entry.amount).sum();
    if sum != Money::ZERO || state.ledger().sum() != Money::ZERO {
        found.broken(Invariant::Ledger, || format!("ride {}: entries sum to {sum}", settlement.ride));
    }
    let rider = settlement.entries.iter().filter(|entry| entry.account == Account::Rider);
    let paid = -rider.map(|entry| entry.amount).sum::<Money>();
    let tariff = &state.settings().tariff;
    let due = match settlement.cause {
        SettlementCause::Fare => state.rides().get(settlement.ride).map_or(paid, |ride| ride.fare),
        SettlementCause::Cancellation => tariff.cancellation_fee,
        SettlementCause::NoShow => tariff.no_show_fee,
    };
    if paid != due {
        found.broken(Invariant::Charge, || format!("ride {}: charged {paid}, quoted {due}", settlement.ride));
    }
}
