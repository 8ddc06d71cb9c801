//! What a ride costs and who gets it: the static tariff, posted as balanced entries.

use crate::domain::{Money, Tariff, share};
use crate::lifecycle::ride::Outcome;
use crate::record::{Account, Entry, Event, Settlement, SettlementCause};
use crate::state::Ride;

/// The fare of a trip, as quoted: the driver's share, the tax in it, the rest to the platform.
pub fn fare(tariff: &Tariff, ride: &Ride) -> Event {
    let part = |amount: Money, bp: u32| share(i128::from(amount.0), i128::from(bp), 10_000);
    let tax = part(ride.fare, tariff.tax_bp);
    let driver = part(ride.fare - tax, tariff.driver_share_bp);
    let shares = [(Account::Driver, driver), (Account::Tax, tax), (Account::Platform, ride.fare - tax - driver)];
    settle(ride, SettlementCause::Fare, ride.fare, &shares)
}

/// The fee of a ride that ended without a trip, if there is one.
pub fn fee(tariff: &Tariff, ride: &Ride, outcome: Outcome) -> Option<Event> {
    let (cause, account, amount) = match outcome {
        Outcome::CancelledAfterMatch => {
            (SettlementCause::Cancellation, Account::CancellationFee, tariff.cancellation_fee)
        }
        Outcome::NoShow => (SettlementCause::NoShow, Account::NoShowFee, tariff.no_show_fee),
        Outcome::Completed
        | Outcome::EndedEarly
        | Outcome::CancelledBeforeMatch
        | Outcome::NoDriver
        | Outcome::Refused => return None,
    };
    (amount != Money::ZERO).then(|| settle(ride, cause, amount, &[(account, amount)]))
}

fn settle(ride: &Ride, cause: SettlementCause, paid: Money, shares: &[(Account, Money)]) -> Event {
    let mut entries = vec![Entry { account: Account::Rider, amount: -paid }];
    let shares = shares.iter().filter(|(_, amount)| *amount != Money::ZERO);
    entries.extend(shares.map(|(account, amount)| Entry { account: *account, amount: *amount }));
    Event::Settled(Box::new(Settlement { ride: ride.id, cause, entries }))
}
