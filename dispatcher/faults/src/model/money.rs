//! What rides cost, reckoned a second time.

use super::tables::{Ride, Stage};
use crate::broken::{Checked, Promise, ensure};
use hansom_engine::Money;
use hansom_engine::domain::Tariff;
use hansom_engine::invariant::Invariant;
use hansom_engine::lifecycle::ride::Outcome;
use hansom_engine::record::{Account, Settlement, SettlementCause};

/// `numerator / denominator`, to the nearest whole number, of two as near to the even one.
fn rounded(numerator: i128, denominator: i128) -> i64 {
    let (down, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    let up = match (2 * rest).cmp(&denominator) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => down % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    (down + i128::from(up)) as i64
}

/// The fare of a way.
pub fn fare(tariff: &Tariff, length_mm: u32, time_ms: u32) -> Money {
    let (km, minute) = (1_000_000, 60_000);
    let metered = i128::from(tariff.base.0) * km * minute
        + i128::from(tariff.per_km.0) * i128::from(length_mm) * minute
        + i128::from(tariff.per_min.0) * i128::from(time_ms) * km;
    Money(rounded(metered, km * minute)).max(tariff.minimum)
}

/// What is to be paid for a ride that is over, and to whom.
fn due(ride: &Ride, tariff: &Tariff) -> (SettlementCause, Vec<(Account, i64)>) {
    let part = |amount: i64, bp: u32| rounded(i128::from(amount) * i128::from(bp), 10_000);
    match ride.stage {
        Stage::Over(Outcome::Completed | Outcome::EndedEarly) => {
            let tax = part(ride.fare.0, tariff.tax_bp);
            let driver = part(ride.fare.0 - tax, tariff.driver_share_bp);
            let rest = ride.fare.0 - tax - driver;
            let shares = [(Account::Driver, driver), (Account::Platform, rest), (Account::Tax, tax)];
            (SettlementCause::Fare, shares.into())
        }
        Stage::Over(Outcome::CancelledAfterMatch) => {
            (SettlementCause::Cancellation, [(Account::CancellationFee, tariff.cancellation_fee.0)].into())
        }
        Stage::Over(Outcome::NoShow) => (SettlementCause::NoShow, [(Account::NoShowFee, tariff.no_show_fee.0)].into()),
        _ => (SettlementCause::Fare, Vec::new()),
    }
}

/// Whether anything is to be paid for a ride that is over.
pub fn is_due(ride: &Ride, tariff: &Tariff) -> bool {
    due(ride, tariff).1.iter().any(|(_, amount)| *amount != 0)
}

/// Whether a settlement is what is to be paid.
pub fn check(settlement: &Settlement, ride: &Ride, tariff: &Tariff) -> Checked {
    let (cause, mut shares) = due(ride, tariff);
    let paid: i64 = shares.iter().map(|(_, amount)| amount).sum();
    shares.push((Account::Rider, -paid));
    shares.retain(|(_, amount)| *amount != 0);
    shares.sort_unstable();
    let mut posted: Vec<_> = settlement.entries.iter().map(|entry| (entry.account, entry.amount.0)).collect();
    posted.sort_unstable();
    let balanced = posted.iter().map(|(_, amount)| amount).sum::<i64>() == 0;
    ensure(balanced, Promise::Holds(Invariant::Ledger), || format!("{posted:?}"))?;
    ensure(posted == shares && cause == settlement.cause, Promise::Holds(Invariant::Charge), || {
        format!("posted {posted:?}, due {shares:?}")
    })
}
