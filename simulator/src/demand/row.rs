//! One row of a request file: text to integers, digit by digit, never through a float.

use hansom_geo_index::{Coord, Millis};

use super::Request;

/// Why a row is no request. It is put aside with its text; the rest of the file goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// Too few or too many fields.
    #[error("it has {found} fields, the first line {expected}")]
    Fields {
        /// Fields of the row.
        found: usize,
        /// Columns of the header.
        expected: usize,
    },
    /// No time.
    #[error("request_time `{0}` is no time in RFC 3339 with offset")]
    Time(String),
    /// No coordinate.
    #[error("{column} `{text}` is no number of degrees within ±{limit}")]
    Degrees {
        /// The column.
        column: &'static str,
        /// What stands there.
        text: String,
        /// The greatest magnitude.
        limit: i64,
    },
    /// No number of passengers.
    #[error("passengers `{0}` is no whole number from 1 to 255")]
    Passengers(String),
}

/// Which column is which, by the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    /// Time, pickup and dropoff: [`REQUIRED`] in that order.
    required: [usize; 5],
    passengers: Option<usize>,
    count: usize,
}

/// The columns that must be there.
const REQUIRED: [&str; 5] = ["request_time", "pickup_lat", "pickup_lon", "dropoff_lat", "dropoff_lon"];

/// A request as its row gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// At the time as written.
    pub request: Request,
    /// Whether the time is written with a fraction of a second.
    pub exact: bool,
}

impl Columns {
    /// Finds the columns, or names those that are missing.
    pub fn find<'l>(header: impl Iterator<Item = &'l [u8]>) -> Result<Self, String> {
        let names: Vec<&[u8]> = header.map(<[u8]>::trim_ascii).collect();
        let find = |name: &str| names.iter().position(|&given| given == name.as_bytes());
        let missing: Vec<String> =
            REQUIRED.iter().filter(|name| find(name).is_none()).map(|name| format!("`{name}`")).collect();
        let required = REQUIRED.map(|name| find(name).unwrap_or(usize::MAX));
        if missing.is_empty() {
            Ok(Self { required, passengers: find("passengers"), count: names.len() })
        } else {
            Err(missing.join(", "))
        }
    }

    /// Reads a row.
    pub fn row<'l>(&self, fields: impl Iterator<Item = &'l [u8]>) -> Result<Row, RowFault> {
        let mut required: [&[u8]; 5] = [&[]; 5];
        let mut passengers: &[u8] = &[];
        let mut found = 0;
        for (column, field) in fields.enumerate() {
            found += 1;
            if let Some(place) = self.required.iter().position(|&required| required == column) {
                required[place] = field.trim_ascii();
            } else if Some(column) == self.passengers {
                passengers = field.trim_ascii();
            }
        }
        if found != self.count {
            return Err(RowFault::Fields { found, expected: self.count });
        }
        let (at, exact) = time(required[0]).ok_or_else(|| RowFault::Time(lossy(required[0])))?;
        let angle = |n: usize, limit: i64| {
            let fault = || RowFault::Degrees { column: REQUIRED[n], text: lossy(required[n]), limit };
            degrees(required[n])
                .filter(|angle| angle.abs() <= limit * 10_000_000)
                .map(|angle| angle as i32)
                .ok_or_else(fault)
        };
        let pickup = Coord { lat: angle(1, 90)?, lon: angle(2, 180)? };
        let dropoff = Coord { lat: angle(3, 90)?, lon: angle(4, 180)? };
        let seats = if passengers.is_empty() { Some(1) } else { number(passengers).and_then(|n| u8::try_from(n).ok()) };
        let seats = seats.filter(|&seats| seats > 0).ok_or_else(|| RowFault::Passengers(lossy(passengers)))?;
        Ok(Row { request: Request { at, pickup, dropoff, seats }, exact })
    }

    /// The time of a row as it is written.
    pub fn time_text<'l>(&self, mut fields: impl Iterator<Item = &'l [u8]>) -> String {
        fields.nth(self.required[0]).map(lossy).unwrap_or_default()
    }
}

fn lossy(field: &[u8]) -> String {
    String::from_utf8_lossy(field).into_owned()
}

/// A whole number of at most 18 digits.
fn number(digits: &[u8]) -> Option<i64> {
    let fits = !digits.is_empty() && digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit);
    fits.then(|| digits.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0')))
}

/// Decimal degrees in 1e-7, exactly; more than seven decimals are rounded, halves away from zero.
pub(crate) fn degrees(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    let point = digits.iter().position(|&c| c == b'.').unwrap_or(digits.len());
    let (whole, decimals) = (&digits[..point], digits.get(point + 1..).unwrap_or_default());
    if whole.is_empty() || whole.len() > 3 || !decimals.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut angle = number(whole)?;
    for place in 0..7 {
        angle = angle * 10 + decimals.get(place).map_or(0, |digit| i64::from(digit - b'0'));
    }
    angle += i64::from(decimals.get(7).is_some_and(|&digit| digit >= b'5'));
    Some(if negative { -angle } else { angle })
}

/// An RFC 3339 time with offset, down to whole ms, and whether it is written with a fraction. Leap seconds are no times.
pub(crate) fn time(text: &[u8]) -> Option<(Millis, bool)> {
    let (&[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', h1, h2, b':', n1, n2, b':', s1, s2], rest) =
        text.split_first_chunk::<19>()?
    else {
        return None;
    };
    let two = |a: u8, b: u8| number(&[a, b]);
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, two(m1, m2)?, two(d1, d2)?);
    let (hour, minute, second) = (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction, offset) = match rest {
        [b'.', rest @ ..] => {
            let digits = rest.iter().take_while(|c| c.is_ascii_digit()).count();
            (Some(&rest[..digits]).filter(|digits| !digits.is_empty())?, &rest[digits..])
        }
        rest => (&[][..], rest),
    };
    let ms = (0..3).fold(0, |ms, place| ms * 10 + fraction.get(place).map_or(0, |digit| i64::from(digit - b'0')));
    let offset = match *offset {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
            let offset = (hours < 24 && minutes < 60).then_some((hours * 60 + minutes) * 60)?;
            if sign == b'-' { -offset } else { offset }
        }
        _ => return None,
    };
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    Some((Millis(seconds * 1000 + ms), !fraction.is_empty()))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms", 2013).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn degrees_are_exact() {
        let cases: [(&str, Option<i64>); 16] = [
            ("40.76232", Some(407_623_200)),
            ("-73.9600912", Some(-739_600_912)),
            ("-73.96009125", Some(-739_600_913)),
            ("73.96009124999", Some(739_600_912)),
            ("-0.0000001", Some(-1)),
            ("+5", Some(50_000_000)),
            ("5.", Some(50_000_000)),
            ("179.99999995", Some(1_800_000_000)),
            (".5", None),
            ("", None),
            ("-", None),
            ("4e1", None),
            ("1234", None),
            ("4.2.1", None),
            ("nan", None),
            ("--4", None),
        ];
        for (text, angle) in cases {
            assert_eq!(degrees(text.as_bytes()), angle, "{text}");
        }
    }

    #[test]
    fn times_are_rfc_3339_with_offset() {
        let ms = |text: &str| time(text.as_bytes());
        assert_eq!(ms("1970-01-01T00:00:00Z"), Some((Millis(0), false)));
        assert_eq!(ms("2018-05-16T00:00:00-04:00"), Some((Millis(1_526_443_200_000), false)));
        assert_eq!(ms("2018-05-16 00:00:00.5-04:00"), Some((Millis(1_526_443_200_500), true)));
        assert_eq!(ms("2018-05-16t00:00:00.123999z"), Some((Millis(1_526_428_800_123), true)));
        assert_eq!(ms("1969-12-31T23:59:59.999Z"), Some((Millis(-1), true)));
        for text in [
            "",
            "2018-05-16",
            "2018-05-16T00:00:00",
            "2018-05-16T00:00:00.Z",
            "2018-05-16T24:00:00Z",
            "2018-05-16T00:60:00Z",
            "2018-05-16T00:00:60Z",
            "2018-02-29T00:00:00Z",
            "2018-13-01T00:00:00Z",
            "2018-00-01T00:00:00Z",
            "2018-05-16T00:00:00-4:00",
            "2018-05-16T00:00:00+24:00",
            "2018-05-16T00:00:00Zz",
            "18-05-16T00:00:00Z......",
        ] {
            assert_eq!(ms(text), None, "{text}");
        }
    }

    proptest! {
        /// Against a library that knows the calendar.
        #[test]
        fn times_equal_the_calendars(at in -60_000_000_000_000i64..200_000_000_000_000, offset in -1439i32..1440) {
            let zone = jiff::tz::Offset::from_seconds(offset * 60).expect("within a day");
            let stamp = jiff::Timestamp::from_millisecond(at).expect("within jiff's years");
            let local = zone.to_datetime(stamp);
            prop_assume!(local.year() >= 0);
            let sign = if offset < 0 { '-' } else { '+' };
            let text = format!("{}{sign}{:02}:{:02}", local.strftime("%Y-%m-%dT%H:%M:%S%.3f"), offset.abs() / 60, offset.abs() % 60);
            prop_assert_eq!(time(text.as_bytes()), Some((Millis(at), true)), "{}", text);
        }
    }
}
