//! Local time: which travel times are in force when, and how instants are written.

use hansom_geo_index::{Millis, WeightsVersion};
use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

/// An IANA time zone, or a fixed offset from UTC. The rules are those bundled with the program.
#[derive(Debug, Clone)]
pub struct Timezone {
    name: String,
    rules: TimeZone,
}

impl PartialEq for Timezone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// From when a weights version is in force; until the next span's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourSpan {
    /// The first instant.
    pub from: Millis,
    /// The version.
    pub version: WeightsVersion,
}

impl Timezone {
    /// The offset zero.
    pub fn utc() -> Self {
        Self { name: "+00:00".to_owned(), rules: TimeZone::UTC }
    }

    /// The zone of this IANA name, or of this offset (`+01:00`). `None`: there is no such zone.
    pub fn named(name: &str) -> Option<Self> {
        if let Some(seconds) = parse_offset(name) {
            return Self::fixed(seconds);
        }
        let rules = TimeZoneDatabase::bundled().get(name).ok()?;
        Some(Self { name: rules.iana_name().unwrap_or(name).to_owned(), rules })
    }

    /// The zone that is always so many seconds east of UTC. `None`: beyond a day, or not whole minutes.
    pub fn fixed(seconds: i32) -> Option<Self> {
        if seconds == 0 {
            return Some(Self::utc());
        }
        let offset = Offset::from_seconds(seconds).ok().filter(|_| seconds % 60 == 0 && seconds.abs() < 86_400)?;
        let mut name = String::new();
        write_offset(&mut name, seconds);
        Some(Self { name, rules: TimeZone::fixed(offset) })
    }

    /// Its name, which [`Timezone::named`] understands.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All IANA names.
    pub fn names() -> Vec<String> {
        TimeZoneDatabase::bundled().available().map(|name| name.as_str().to_owned()).collect()
    }

    /// Seconds east of UTC at an instant.
    pub fn offset_s(&self, at: Millis) -> i32 {
        self.rules.to_offset(timestamp(at)).seconds()
    }

    /// An instant in RFC 3339 with ms and local offset: `2026-03-05T17:00:00.000+01:00`.
    pub fn stamp(&self, at: Millis) -> String {
        // Whole minutes, as they are written: before time zones, local times had odd seconds.
        let offset = self.offset_s(at) / 60 * 60;
        let local = Millis(at.0 + i64::from(offset) * 1000);
        let civil = Offset::UTC.to_datetime(timestamp(local));
        let (date, time) = (civil.date(), civil.time());
        let mut text = String::with_capacity(29);
        digits(&mut text, date.year() as u32, 4);
        for (before, number) in [('-', date.month()), ('-', date.day()), ('T', time.hour()), (':', time.minute())] {
            text.push(before);
            digits(&mut text, number as u32, 2);
        }
        text.push(':');
        digits(&mut text, time.second() as u32, 2);
        text.push('.');
        digits(&mut text, time.millisecond() as u32, 3);
        write_offset(&mut text, offset);
        text
    }

    /// The weights version of an instant: day type × 24 + local hour.
    pub fn version(&self, at: Millis) -> WeightsVersion {
        let local = self.rules.to_datetime(timestamp(at));
        let day_type = match local.weekday() {
            Weekday::Saturday => 1,
            Weekday::Sunday => 2,
            Weekday::Monday | Weekday::Tuesday | Weekday::Wednesday | Weekday::Thursday | Weekday::Friday => 0,
        };
        WeightsVersion(day_type * 24 + local.hour() as u16)
    }

    /// The versions in force from `from` until before `until`, in order: a span starts where the local hour or the
    /// day type changes, be it by the clock or by a transition of the zone. The first starts at `from`.
    pub fn hours(&self, from: Millis, until: Millis) -> Vec<HourSpan> {
        let mut spans: Vec<HourSpan> = Vec::new();
        let mut at = from;
        while at < until || spans.is_empty() {
            let version = self.version(at);
            if spans.last().is_none_or(|last| last.version != version) {
                spans.push(HourSpan { from: at, version });
            }
            let local = at.0 + i64::from(self.offset_s(at)) * 1000;
            let hour_end = at.0 + 3_600_000 - local.rem_euclid(3_600_000);
            let transition =
                self.rules.following(timestamp(at)).next().map_or(i64::MAX, |t| t.timestamp().as_millisecond());
            at = Millis(hour_end.min(transition));
        }
        spans
    }
}

/// Instants beyond jiff's years (-9999 to 9999) clamp: scenarios are checked to lie within.
fn timestamp(at: Millis) -> Timestamp {
    Timestamp::from_millisecond(at.0).unwrap_or(if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

fn write_offset(text: &mut String, seconds: i32) {
    let minutes = seconds.unsigned_abs() / 60;
    text.push(if seconds < 0 { '-' } else { '+' });
    digits(text, minutes / 60, 2);
    text.push(':');
    digits(text, minutes % 60, 2);
}

/// The last `width` digits of a number. Results have millions of times: this is several times as fast as `write!`.
fn digits(text: &mut String, number: u32, width: u32) {
    for place in (0..width).rev() {
        text.push(char::from(b'0' + (number / 10u32.pow(place) % 10) as u8));
    }
}

/// Seconds east of UTC of `Z` or `±HH:MM`.
pub(crate) fn parse_offset(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    match bytes {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let two = |a: &u8, b: &u8| {
                (a.is_ascii_digit() && b.is_ascii_digit()).then(|| i32::from(a - b'0') * 10 + i32::from(b - b'0'))
            };
            let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
            let seconds = (hours * 60 + minutes) * 60;
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}
