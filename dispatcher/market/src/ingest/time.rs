//! Instants as text: RFC 3339.

use hansom_geo_index::Millis;

/// The instant that a text of RFC 3339 names, in ms; digits beyond are cut off. `None`: it names none.
///
/// Leap seconds (`:60`) are none: this program's time has none either. The calendar is the proleptic Gregorian one (civil
/// date to days as in Howard Hinnant's `chrono` algorithms).
pub fn parse(text: &str) -> Option<Millis> {
    let bytes = text.as_bytes();
    let separators: [(usize, &[u8]); 5] = [(4, b"-"), (7, b"-"), (10, b"Tt "), (13, b":"), (16, b":")];
    if separators.iter().any(|(at, allowed)| bytes.get(*at).is_none_or(|byte| !allowed.contains(byte))) {
        return None;
    }
    let (year, month, day) = (number(bytes, 0..4)?, number(bytes, 5..7)?, number(bytes, 8..10)?);
    let (hour, minute, second) = (number(bytes, 11..13)?, number(bytes, 14..16)?, number(bytes, 17..19)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_of(year, month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (ms, zone) = fraction(&bytes[19..])?;
    let offset_min = offset(zone)?;
    let minutes = (days(year, month, day) * 24 + hour) * 60 + minute - offset_min;
    Some(Millis((minutes * 60 + second) * 1000 + ms))
}

/// Whether an instant is read again as it is written: one of the years 0 to 9999.
pub(super) fn is_written(at: Millis) -> bool {
    (FIRST..=LAST).contains(&at.0)
}

/// 0000-01-01T00:00:00.000Z
const FIRST: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z
const LAST: i64 = 253_402_300_799_999;

fn number(bytes: &[u8], at: std::ops::Range<usize>) -> Option<i64> {
    bytes
        .get(at)?
        .iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

/// Milliseconds of a fraction, if one stands there, and what follows.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = rest.strip_prefix(b".") else { return Some((0, rest)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let ms = (0..3).fold(0, |ms, at| ms * 10 + digits[..count].get(at).map_or(0, |byte| i64::from(byte - b'0')));
    (count > 0).then_some((ms, &digits[count..]))
}

/// Minutes east of Greenwich.
fn offset(zone: &[u8]) -> Option<i64> {
    let sign = match zone {
        b"Z" | b"z" => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let (hours, minutes) = (number(zone, 1..3)?, number(zone, 4..6)?);
    (zone.len() == 6 && zone[3] == b':' && hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::{FIRST, LAST, is_written, parse};
    use hansom_engine::record::json::rfc3339;
    use hansom_geo_index::Millis;
    use proptest::prelude::*;

    #[test]
    fn instants_are_read() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2013-03-01T09:00:00.25+01:00", Some(1_362_124_800_250)),
            ("2013-03-01t03:00:00.2509-05:00", Some(1_362_124_800_250)),
            ("2000-02-29 00:00:00z", Some(951_782_400_000)),
            ("2001-02-29T00:00:00Z", None),
            ("2001-02-28T24:00:00Z", None),
            ("2001-02-28T23:59:60Z", None),
            ("2001-02-28T23:59:59.Z", None),
            ("2001-02-28T23:59:59", None),
            ("2001-02-28T23:59:59+0100", None),
            ("2001-02-28T23:59:59+01:00 ", None),
            ("2001-02-28T23:59:5é", None),
            ("", None),
        ];
        for (text, ms) in cases {
            assert_eq!(parse(text), ms.map(Millis), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(ms in FIRST..=LAST) {
            prop_assert!(is_written(Millis(ms)));
            prop_assert_eq!(parse(&rfc3339(Millis(ms))), Some(Millis(ms)));
        }
    }
}
