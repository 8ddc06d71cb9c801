//! Money in minor units of the market's currency.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

/// An amount in minor units (cents). Sums that leave 64 bits panic: no market gets there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(pub i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// `numerator / denominator` of an amount, rounded half to even. `denominator` is positive.
pub fn share(amount: i128, numerator: i128, denominator: i128) -> Money {
    let product = amount * numerator;
    let (quotient, rest) = (product.div_euclid(denominator), product.rem_euclid(denominator));
    let up = rest * 2 > denominator || (rest * 2 == denominator && quotient % 2 != 0);
    Money((quotient + i128::from(up)) as i64)
}

#[cfg(test)]
mod tests {
    use super::{Money, share};

    #[test]
    fn halves_go_to_even() {
        assert_eq!([share(1, 1, 2), share(3, 1, 2), share(-1, 1, 2), share(-3, 1, 2)].map(|m| m.0), [0, 2, 0, -2]);
        assert_eq!(share(1001, 7500, 10_000), Money(751));
    }
}
