//! Fields of the CSV files, appended digit by digit: millions of rows are written in seconds.

use hansom_geo_index::{Coord, Millis};

use crate::scenario::{RUN_OUT, Scenario};

/// A whole number.
pub fn whole(line: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    let mut rest = number;
    loop {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    line.extend_from_slice(&digits[first..]);
}

/// A whole number that may be negative.
pub fn signed(line: &mut Vec<u8>, number: i64) {
    if number < 0 {
        line.push(b'-');
    }
    whole(line, number.unsigned_abs());
}

/// Exactly `count` digits, with leading zeros.
fn digits(line: &mut Vec<u8>, number: u64, count: usize) {
    let from = line.len();
    line.resize(from + count, b'0');
    let mut rest = number;
    for place in line[from..].iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// Millimetres as metres with 3 decimals.
pub fn meters(line: &mut Vec<u8>, mm: u64) {
    whole(line, mm / 1000);
    line.push(b'.');
    digits(line, mm % 1000, 3);
}

/// Milliseconds as seconds with 3 decimals.
pub fn seconds(line: &mut Vec<u8>, span: Millis) {
    if span < Millis::ZERO {
        line.push(b'-');
    }
    meters(line, span.0.unsigned_abs());
}

/// Latitude and longitude in degrees with 7 decimals, a comma between them.
pub fn coord(line: &mut Vec<u8>, coord: Coord) {
    for (n, angle) in [coord.lat, coord.lon].into_iter().enumerate() {
        if n > 0 {
            line.push(b',');
        }
        if angle < 0 {
            line.push(b'-');
        }
        let angle = u64::from(angle.unsigned_abs());
        whole(line, angle / 10_000_000);
        line.push(b'.');
        digits(line, angle % 10_000_000, 7);
    }
}

/// Instants of a run in RFC 3339 with the local offset and ms.
#[derive(Debug, Clone)]
pub struct Stamps {
    /// From when on local time is so many seconds east of UTC, ascending.
    offsets: Vec<(Millis, i32)>,
    /// The last day written: its start in local ms, and its date.
    day: Option<(i64, [u8; 11])>,
}

const DAY_MS: i64 = 86_400_000;

/// Offsets change at whole quarters of an hour, as they have everywhere since 1972.
const STEP: Millis = Millis::from_secs(900);

impl Stamps {
    /// For the instants of a run of `scenario`.
    pub fn new(scenario: &Scenario) -> Self {
        let (start, end) = (scenario.period.start, scenario.period.end + RUN_OUT);
        let mut offsets = vec![(Millis(i64::MIN), scenario.timezone.offset_s(start))];
        let mut at = Millis(start.0.div_euclid(STEP.0) * STEP.0);
        while at <= end {
            let offset = scenario.timezone.offset_s(at);
            if offsets.last().is_none_or(|(_, last)| *last != offset) {
                offsets.push((at, offset));
            }
            at += STEP;
        }
        Self { offsets, day: None }
    }

    /// Appends an instant.
    pub fn write(&mut self, line: &mut Vec<u8>, at: Millis) {
        let next = self.offsets.partition_point(|(from, _)| *from <= at);
        let (_, offset_s) = self.offsets[next.max(1) - 1];
        let minutes = offset_s / 60;
        let local = at.0 + i64::from(minutes) * 60_000;
        let (start, date) = match self.day {
            Some(day) if (day.0..day.0 + DAY_MS).contains(&local) => day,
            _ => {
                let days = local.div_euclid(DAY_MS);
                *self.day.insert((days * DAY_MS, date(days)))
            }
        };
        line.extend_from_slice(&date);
        let ms = (local - start) as u64;
        digits(line, ms / 3_600_000, 2);
        line.push(b':');
        digits(line, ms / 60_000 % 60, 2);
        line.push(b':');
        digits(line, ms / 1000 % 60, 2);
        line.push(b'.');
        digits(line, ms % 1000, 3);
        line.push(if minutes < 0 { b'-' } else { b'+' });
        let minutes = u64::from(minutes.unsigned_abs());
        digits(line, minutes / 60, 2);
        line.push(b':');
        digits(line, minutes % 60, 2);
    }
}

/// `YYYY-MM-DDT` of a day counted from 1970-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms", 2013).
fn date(days: i64) -> [u8; 11] {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let mut text = Vec::with_capacity(11);
    digits(&mut text, year.unsigned_abs(), 4);
    text.push(b'-');
    digits(&mut text, month.unsigned_abs(), 2);
    text.push(b'-');
    digits(&mut text, day.unsigned_abs(), 2);
    text.push(b'T');
    text.try_into().expect("ten digits and marks and a T")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Period, Timezone};
    use proptest::prelude::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut line = Vec::new();
        write(&mut line);
        String::from_utf8(line).expect("ASCII")
    }

    #[test]
    fn numbers_have_their_digits() {
        assert_eq!(text(|line| whole(line, 0)), "0");
        assert_eq!(text(|line| signed(line, i64::MIN)), "-9223372036854775808");
        assert_eq!(text(|line| meters(line, 12_034)), "12.034");
        assert_eq!(text(|line| seconds(line, Millis(-5))), "-0.005");
        assert_eq!(text(|line| coord(line, Coord { lat: 407_623_200, lon: -1 })), "40.7623200,-0.0000001");
    }

    proptest! {
        /// Against the library that knows zones: the autumn night in Berlin, and any time in New York.
        #[test]
        fn stamps_are_those_of_the_zone(at in -10_000_000_000_000_i64..100_000_000_000_000, zone in 0..3_usize) {
            let timezone = Timezone::named(["Europe/Berlin", "America/New_York", "+05:45"][zone]).expect("zones");
            let at = if zone == 0 { 1_793_000_000_000 + at.rem_euclid(100_000_000) } else { at };
            let period = Period { start: Millis(at - 3_600_000), end: Millis(at) };
            let mut stamps = Stamps::new(&Scenario { timezone: timezone.clone(), period, ..Scenario::default() });
            prop_assert_eq!(text(|line| stamps.write(line, Millis(at))), timezone.stamp(Millis(at)));
        }
    }
}
