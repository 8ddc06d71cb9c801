//! Instants, time zones, spans that may vary.

use hansom_geo_index::Millis;

use super::number::{Seconds, from_thousandths, thousandths};
use super::{Form, Spot};
use crate::scenario::dist::Dist;
use crate::scenario::document::{Value, quoted};
use crate::scenario::fault::{Fault, nearest};
use crate::scenario::timezone::{Timezone, parse_offset};

/// A span that may vary: seconds, or `{ p50, p90 }` in seconds; perhaps `inf`.
pub(in crate::scenario) struct Spread {
    /// The longest percentile in whole seconds.
    pub most: i64,
    /// Whether `inf` may be written.
    pub endless: bool,
}

impl Form for Spread {
    type Value = Dist;

    fn read(&self, spot: &Spot<'_>) -> Result<Dist, Box<Fault>> {
        match &spot.entry.value {
            Value::Number(number) if *number == f64::INFINITY && self.endless => Ok(Dist::Constant(Millis::MAX)),
            Value::Whole(_) | Value::Number(_) => {
                thousandths(spot, &(0..=self.most), || self.expected()).map(|span| Dist::Constant(Millis(span)))
            }
            Value::Table(table) => {
                let percentile = |name: &str| {
                    let entry = table.get(name).ok_or_else(|| spot.wrong_type(self.expected()))?;
                    Seconds(0..=self.most).read(&spot.inner(&format!(".{name}"), entry))
                };
                if let Some((name, entry)) = table.iter().find(|(name, _)| !matches!(name.as_str(), "p50" | "p90")) {
                    return Err(Box::new(Fault::UnknownKey {
                        key: format!("{}.{name}", spot.key),
                        place: entry.place.clone(),
                        suggestion: nearest(name, ["p50", "p90"]).map(str::to_owned),
                        file: spot.file.clone(),
                    }));
                }
                let (p50, p90) = (percentile("p50")?, percentile("p90")?);
                if p50 <= Millis::ZERO || p90 < p50 {
                    return Err(spot.out_of_range("a p50 above 0 and a p90 not below it".to_owned()));
                }
                Ok(Dist::LogNormal { p50, p90 })
            }
            _ => Err(spot.wrong_type(self.expected())),
        }
    }

    fn write(&self, value: &Dist) -> Option<String> {
        Some(match *value {
            Dist::Constant(Millis::MAX) => "inf".to_owned(),
            Dist::Constant(span) => from_thousandths(span.0),
            Dist::LogNormal { p50, p90 } => {
                format!("{{ p50 = {}, p90 = {} }}", from_thousandths(p50.0), from_thousandths(p90.0))
            }
        })
    }

    fn expected(&self) -> String {
        let endless = if self.endless { "inf, " } else { "" };
        format!("{endless}a number of seconds from 0 to {} or {{ p50, p90 }} of such", self.most)
    }
}

/// A time in RFC 3339 with offset, written in local time.
pub(in crate::scenario) struct Instant<'z>(pub &'z Timezone);

impl Form for Instant<'_> {
    type Value = Millis;

    fn read(&self, spot: &Spot<'_>) -> Result<Millis, Box<Fault>> {
        let Value::Text(text) = &spot.entry.value else { return Err(spot.wrong_type(self.expected())) };
        instant(text).map(|(at, _)| at).ok_or_else(|| spot.out_of_range(self.expected()))
    }

    fn write(&self, value: &Millis) -> Option<String> {
        Some(quoted(&self.0.stamp(*value)))
    }

    fn expected(&self) -> String {
        "a time between 1970 and 2199 in RFC 3339 with offset, such as \"2026-03-05T17:00:00+01:00\"".to_owned()
    }
}

/// An instant and the offset in seconds it is written with; only times with an offset, between 1970 and 2199.
pub(in crate::scenario) fn instant(text: &str) -> Option<(Millis, i32)> {
    let sign = text.rfind(['+', '-', 'Z', 'z'])?;
    let offset = parse_offset(&text[sign..])?;
    let at = text.parse::<jiff::Timestamp>().ok()?.as_millisecond();
    (0..7_258_118_400_000).contains(&at).then_some((Millis(at), offset))
}

/// A time zone's name, or an offset.
pub(in crate::scenario) struct Zone;

impl Form for Zone {
    type Value = Timezone;

    fn read(&self, spot: &Spot<'_>) -> Result<Timezone, Box<Fault>> {
        let Value::Text(name) = &spot.entry.value else { return Err(spot.wrong_type(self.expected())) };
        Timezone::named(name).ok_or_else(|| {
            let names = Timezone::names();
            let near = nearest(name, names.iter().map(String::as_str));
            spot.unknown_name("time zone", name, near, format!("write {}", self.expected()))
        })
    }

    fn write(&self, value: &Timezone) -> Option<String> {
        Some(quoted(value.name()))
    }

    fn expected(&self) -> String {
        "an IANA name such as \"Europe/Berlin\", or an offset such as \"+01:00\"".to_owned()
    }
}
