//! Numbers, counts, lengths, spans.

use std::marker::PhantomData;
use std::ops::RangeInclusive;

use hansom_geo_index::{Millimetres, Millis};

use super::{Form, Spot};
use crate::scenario::document::Value;
use crate::scenario::fault::Fault;

/// A whole number within bounds, held in any integer type.
pub(in crate::scenario) struct Whole<T> {
    range: RangeInclusive<i64>,
    holds: PhantomData<T>,
}

impl<T> Whole<T> {
    /// From `range`, which `T` must be able to hold.
    pub fn of(range: RangeInclusive<i64>) -> Self {
        Self { range, holds: PhantomData }
    }
}

impl<T: TryFrom<i64> + TryInto<i64> + Copy> Form for Whole<T> {
    type Value = T;

    fn read(&self, spot: &Spot<'_>) -> Result<T, Box<Fault>> {
        let Value::Whole(number) = spot.entry.value else { return Err(spot.wrong_type(self.expected())) };
        let held = self.range.contains(&number).then(|| T::try_from(number).ok()).flatten();
        held.ok_or_else(|| spot.out_of_range(self.expected()))
    }

    fn write(&self, value: &T) -> Option<String> {
        (*value).try_into().ok().map(|number: i64| number.to_string())
    }

    fn expected(&self) -> String {
        if *self.range.end() == i64::MAX {
            format!("a whole number, {} or more", self.range.start())
        } else {
            format!("a whole number from {} to {}", self.range.start(), self.range.end())
        }
    }
}

/// A number within bounds.
pub(in crate::scenario) struct Number(pub RangeInclusive<f64>);

impl Form for Number {
    type Value = f64;

    fn read(&self, spot: &Spot<'_>) -> Result<f64, Box<Fault>> {
        let number = spot.float().ok_or_else(|| spot.wrong_type(self.expected()))?;
        self.0.contains(&number).then_some(number).ok_or_else(|| spot.out_of_range(self.expected()))
    }

    fn write(&self, value: &f64) -> Option<String> {
        Some(format!("{value:?}"))
    }

    fn expected(&self) -> String {
        format!("a number from {} to {}", self.0.start(), self.0.end())
    }
}

/// A number or a list of numbers within bounds.
pub(in crate::scenario) struct Numbers(pub RangeInclusive<f64>);

impl Form for Numbers {
    type Value = Vec<f64>;

    fn read(&self, spot: &Spot<'_>) -> Result<Vec<f64>, Box<Fault>> {
        let one = Number(self.0.clone());
        match &spot.entry.value {
            Value::List(items) if !items.is_empty() => {
                items.iter().enumerate().map(|(n, item)| one.read(&spot.inner(&format!("[{n}]"), item))).collect()
            }
            Value::Whole(_) | Value::Number(_) => Ok(vec![one.read(spot)?]),
            _ => Err(spot.wrong_type(self.expected())),
        }
    }

    fn write(&self, value: &Vec<f64>) -> Option<String> {
        match value.as_slice() {
            [] => None,
            [one] => Some(format!("{one:?}")),
            many => Some(format!("{many:?}")),
        }
    }

    fn expected(&self) -> String {
        format!("{}, or a list of such", Number(self.0.clone()).expected())
    }
}

/// A decimal of thousandths: seconds held in ms, metres held in mm.
pub(in crate::scenario) fn thousandths(
    spot: &Spot<'_>,
    range: &RangeInclusive<i64>,
    expected: impl Fn() -> String,
) -> Result<i64, Box<Fault>> {
    let number = spot.float().ok_or_else(|| spot.wrong_type(expected()))?;
    let allowed = *range.start() as f64..=*range.end() as f64;
    allowed.contains(&number).then(|| libm::round(number * 1000.0) as i64).ok_or_else(|| spot.out_of_range(expected()))
}

pub(in crate::scenario) fn from_thousandths(value: i64) -> String {
    if value % 1000 == 0 {
        return (value / 1000).to_string();
    }
    let sign = if value < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:03}", value.unsigned_abs() / 1000, value.unsigned_abs() % 1000);
    text.trim_end_matches('0').to_owned()
}

/// A span in seconds, bounds in whole seconds.
pub(in crate::scenario) struct Seconds(pub RangeInclusive<i64>);

impl Form for Seconds {
    type Value = Millis;

    fn read(&self, spot: &Spot<'_>) -> Result<Millis, Box<Fault>> {
        thousandths(spot, &self.0, || self.expected()).map(Millis)
    }

    fn write(&self, value: &Millis) -> Option<String> {
        Some(from_thousandths(value.0))
    }

    fn expected(&self) -> String {
        format!("a number of seconds from {} to {}", self.0.start(), self.0.end())
    }
}

/// A span in whole ms.
pub(in crate::scenario) struct Milliseconds(pub RangeInclusive<i64>);

impl Form for Milliseconds {
    type Value = Millis;

    fn read(&self, spot: &Spot<'_>) -> Result<Millis, Box<Fault>> {
        Whole::<i64>::of(self.0.clone()).read(spot).map(Millis)
    }

    fn write(&self, value: &Millis) -> Option<String> {
        Some(value.0.to_string())
    }

    fn expected(&self) -> String {
        Whole::<i64>::of(self.0.clone()).expected()
    }
}

/// A length in metres, or a speed in m/s; bounds in whole metres.
pub(in crate::scenario) struct Metres(pub RangeInclusive<i64>);

impl Form for Metres {
    type Value = Millimetres;

    fn read(&self, spot: &Spot<'_>) -> Result<Millimetres, Box<Fault>> {
        thousandths(spot, &self.0, || self.expected()).map(Millimetres)
    }

    fn write(&self, value: &Millimetres) -> Option<String> {
        Some(from_thousandths(value.0))
    }

    fn expected(&self) -> String {
        format!("a number from {} to {}", self.0.start(), self.0.end())
    }
}

/// Degrees, held in 1e-7.
pub(in crate::scenario) struct Degrees(pub i32);

impl Form for Degrees {
    type Value = i32;

    fn read(&self, spot: &Spot<'_>) -> Result<i32, Box<Fault>> {
        let degrees = Number(-f64::from(self.0)..=f64::from(self.0)).read(spot)?;
        Ok(libm::round(degrees * 1e7) as i32)
    }

    fn write(&self, value: &i32) -> Option<String> {
        let sign = if *value < 0 { "-" } else { "" };
        let (whole, part) = (value.unsigned_abs() / 10_000_000, value.unsigned_abs() % 10_000_000);
        Some(format!("{sign}{whole}.{part:07}"))
    }

    fn expected(&self) -> String {
        Number(-f64::from(self.0)..=f64::from(self.0)).expected()
    }
}
