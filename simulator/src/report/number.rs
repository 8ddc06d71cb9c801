//! Figures as people read them: with units, and commas between thousands.

/// A whole number: `385,809`.
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (n, digit) in digits.char_indices() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with so many decimals, up to 9: `1,234.50`. What is no number is `–`.
pub fn fixed(number: f64, decimals: usize) -> String {
    if !number.is_finite() {
        return "–".to_owned();
    }
    let text = format!("{:.*}", decimals.min(9), number.abs());
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let zero = text.bytes().all(|digit| matches!(digit, b'0' | b'.'));
    let mut shown = if number < 0.0 && !zero { "-".to_owned() } else { String::new() };
    shown += &whole.parse::<i64>().map_or_else(|_| whole.to_owned(), grouped);
    if let Some(rest) = rest {
        shown.extend([".", rest]);
    }
    shown
}

/// A share of 1: `92.8 %`. What is no number is `–`.
pub fn percent(share: f64) -> String {
    let text = fixed(share * 100.0, 1);
    if share.is_finite() { text + " %" } else { text }
}

/// A span of seconds: `42.0 s`, `3 min 05 s`, `2 h 07 min`. What is no number is `–`.
pub fn span(seconds: f64) -> String {
    if !seconds.is_finite() {
        return fixed(seconds, 1);
    }
    if seconds.abs() < 59.95 {
        return format!("{} s", fixed(seconds, 1));
    }
    let (sign, whole) = (if seconds < 0.0 { "-" } else { "" }, (seconds.abs() + 0.5) as i64);
    if whole < 3600 {
        format!("{sign}{} min {:02} s", whole / 60, whole % 60)
    } else {
        format!("{sign}{} h {:02} min", grouped(whole / 3600), whole % 3600 / 60)
    }
}

/// Minor units of a currency of so many decimals: `USD 12,345.60`.
pub fn money(minor: i64, exponent: u8, currency: &str) -> String {
    let unit = 10_u64.pow(u32::from(exponent.min(18)));
    let (whole, rest) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
    let sign = if minor < 0 { "-" } else { "" };
    let whole = grouped(i64::try_from(whole).unwrap_or(i64::MAX));
    match exponent {
        0 => format!("{currency} {sign}{whole}"),
        _ => format!("{currency} {sign}{whole}.{rest:0width$}", width = usize::from(exponent)),
    }
}

/// Bytes: `512 B`, `12.3 KiB`, `186 MiB`.
pub fn bytes(count: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", fixed(value, usize::from(value < 99.95)), units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped_and_carry_their_unit() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(-1_234_567), "-1,234,567");
        assert_eq!(grouped(i64::MIN), "-9,223,372,036,854,775,808");
        assert_eq!(fixed(1234.5, 2), "1,234.50");
        assert_eq!(fixed(-0.004, 2), "0.00");
        assert_eq!(fixed(999.96, 1), "1,000.0");
        assert_eq!(fixed(f64::NAN, 1), "–");
        assert_eq!(percent(0.928), "92.8 %");
        assert_eq!((percent(f64::NAN), span(f64::NAN)), ("–".to_owned(), "–".to_owned()));
        assert_eq!(span(42.0), "42.0 s");
        assert_eq!(span(59.96), "1 min 00 s");
        assert_eq!(span(185.4), "3 min 05 s");
        assert_eq!(span(7_650.0), "2 h 07 min");
        assert_eq!(money(1_234_560, 2, "USD"), "USD 12,345.60");
        assert_eq!(money(-5, 2, "EUR"), "EUR -0.05");
        assert_eq!(money(1_500, 0, "JPY"), "JPY 1,500");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(12_600), "12.3 KiB");
        assert_eq!(bytes(186 << 20), "186 MiB");
        assert_eq!(bytes(1024 * 1024 - 1), "1.0 MiB");
    }
}
