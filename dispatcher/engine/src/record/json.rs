//! Turns as people read them: one JSON object a line.

use super::Turn;
use super::canonical::field::{Field, Message};
use hansom_geo_index::Millis;
use std::fmt::{Display, Write};

/// A turn as one line of JSON, without the line's end: `offset, at, at_ms, command{type, key, …}, events[{type, …}]`.
///
/// Fields are called as in Rust, of type and content as in [`Command`](super::Command) and [`Event`](super::Event): ms,
/// mm, 1e-7 degrees, minor units. Outcomes, accounts and causes are in `snake_case`. `at` is RFC 3339 in UTC.
pub fn turn_json(turn: &Turn) -> String {
    let mut json = Json(String::with_capacity(256));
    json.object(|json| {
        json.key("offset");
        json.plain(turn.offset);
        json.key("at");
        json.string(&rfc3339(turn.at));
        json.key("at_ms");
        json.plain(turn.at.0);
        json.key("command");
        json.object(|json| {
            if let Some(key) = turn.key {
                json.key("key");
                json.string(&key.to_string());
            }
            Message::json(&turn.command, json);
        });
        json.key("events");
        json.list(&turn.events, Field::json);
    });
    json.0
}

/// An instant as RFC 3339 in UTC with milliseconds: `2013-03-01T08:00:00.250Z`.
///
/// The calendar is the proleptic Gregorian one (days to civil date as in Howard Hinnant's `chrono` algorithms).
pub fn rfc3339(at: Millis) -> String {
    const DAY_MS: i64 = 86_400_000;
    let (days, ms) = (at.0.div_euclid(DAY_MS), at.0.rem_euclid(DAY_MS));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", ms % 1000)
}

/// JSON being written.
pub(crate) struct Json(String);

impl Json {
    /// `{ … }`
    pub fn object(&mut self, fields: impl FnOnce(&mut Self)) {
        self.0.push('{');
        fields(self);
        self.0.push('}');
    }

    /// `[ … ]`
    pub fn list<'a, T: 'a>(&mut self, items: impl IntoIterator<Item = &'a T>, item_json: impl Fn(&T, &mut Self)) {
        self.0.push('[');
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            item_json(item, self);
        }
        self.0.push(']');
    }

    /// The name of the next field of an object.
    pub fn key(&mut self, name: &str) {
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
        self.string(name);
        self.0.push(':');
    }

    /// A number or a truth value.
    pub fn plain(&mut self, value: impl Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{value}");
    }

    /// Nothing.
    pub fn null(&mut self) {
        self.0.push_str("null");
    }

    /// Text.
    pub fn string(&mut self, text: &str) {
        self.0.push('"');
        for character in text.chars() {
            match character {
                '"' => self.0.push_str("\\\""),
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                control if control < ' ' => {
                    let _ = write!(self.0, "\\u{:04x}", u32::from(control));
                }
                other => self.0.push(other),
            }
        }
        self.0.push('"');
    }

    /// Bytes, two digits each.
    pub fn hex(&mut self, bytes: &[u8]) {
        self.0.push('"');
        for byte in bytes {
            let _ = write!(self.0, "{byte:02x}");
        }
        self.0.push('"');
    }

    /// The name of a variant, as in files: `NoShow` → `"no_show"`.
    pub fn snake_case(&mut self, variant: &str) {
        self.0.push('"');
        for (index, letter) in variant.char_indices() {
            if index > 0 && letter.is_ascii_uppercase() {
                self.0.push('_');
            }
            self.0.push(letter.to_ascii_lowercase());
        }
        self.0.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::{Json, rfc3339};
    use hansom_geo_index::Millis;

    #[test]
    fn instants_are_calendar_dates() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_362_124_800_250, "2013-03-01T08:00:00.250Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_000, "2024-02-29T23:59:59.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (ms, text) in cases {
            assert_eq!(rfc3339(Millis(ms)), text);
        }
    }

    #[test]
    fn text_is_escaped() {
        let mut json = Json(String::new());
        json.string("a\"b\\c\nd\u{1}é");
        json.snake_case("EndedEarly");
        assert_eq!(json.0, "\"a\\\"b\\\\c\\nd\\u0001é\"\"ended_early\"");
    }
}
