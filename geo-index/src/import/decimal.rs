//! Decimal text and integers, exactly.

use std::fmt;

/// Why a text is not a number for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("it is empty")]
    Empty,
    #[error("write it out without an exponent")]
    Exponent,
    #[error("it is not a decimal number")]
    NotANumber,
    #[error("it is too large")]
    TooLarge,
}

/// `text` times 10^`places`, rounded half away from zero. An optional sign, digits, and perhaps a point and digits.
pub(super) fn parse(text: &[u8], places: usize) -> Result<i64, Fault> {
    if text.is_empty() {
        return Err(Fault::Empty);
    }
    let negative = text[0] == b'-';
    let digits = text.strip_prefix(if negative { b"-" } else { b"+" }).unwrap_or(text);
    let point = digits.iter().position(|&byte| byte == b'.').unwrap_or(digits.len());
    let (whole, fraction) = (&digits[..point], digits.get(point + 1..).unwrap_or_default());
    if let Some(&stray) = whole.iter().chain(fraction).find(|byte| !byte.is_ascii_digit()) {
        return Err(if matches!(stray, b'e' | b'E') { Fault::Exponent } else { Fault::NotANumber });
    }
    if whole.is_empty() && fraction.is_empty() {
        return Err(Fault::NotANumber);
    }
    let kept = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(places);
    let mut value: i64 = 0;
    for digit in whole.iter().copied().chain(kept) {
        let next = value.checked_mul(10).and_then(|value| value.checked_add(i64::from(digit - b'0')));
        value = next.ok_or(Fault::TooLarge)?;
    }
    if fraction.get(places).is_some_and(|&digit| digit >= b'5') {
        value = value.checked_add(1).ok_or(Fault::TooLarge)?;
    }
    Ok(if negative { -value } else { value })
}

/// A whole number of 10^-`places`, written without trailing zeros: what [`parse`] reads back as the same number.
pub(super) struct Decimal {
    pub value: i64,
    pub places: u32,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_u64.pow(self.places);
        let sign = if self.value < 0 { "-" } else { "" };
        let (whole, fraction) = (self.value.unsigned_abs() / one, self.value.unsigned_abs() % one);
        let digits = format!("{fraction:0width$}", width = self.places as usize);
        match digits.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            digits => write!(f, "{sign}{whole}.{digits}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_read_to_the_last_digit() {
        let read = |text: &str| parse(text.as_bytes(), 3);
        assert_eq!(
            ["1", "1.5", "-0.0004", "-0.0005", "0.0015", "+2.", ".25", "0009.9999", "0"].map(read),
            [1000, 1500, 0, -1, 2, 2000, 250, 10_000, 0].map(Ok)
        );
        assert_eq!(parse(b"-73.9789693333", 7), Ok(-739_789_693));
        assert_eq!(parse(b"9223372036854775807", 0), Ok(i64::MAX));
        assert_eq!([read(""), read("1e3"), read("-2.5E-7")], [Fault::Empty, Fault::Exponent, Fault::Exponent].map(Err));
        assert_eq!(["-", ".", "1,5", " 1", "nan", "1.2.3", "0x1"].map(read), [Err(Fault::NotANumber); 7]);
        assert_eq!(["9223372036854775807", "9999999999999999.9999"].map(read), [Err(Fault::TooLarge); 2]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in i64::MIN + 1..i64::MAX, places in 0_u32..9) {
            let text = Decimal { value, places }.to_string();
            prop_assert_eq!(parse(text.as_bytes(), places as usize), Ok(value), "{}", text);
        }
    }
}
