//! Student's t distribution with whole degrees of freedom.
//!
//! Its distribution function has a finite form (Abramowitz and Stegun, 26.7.3 and 26.7.4); the quantile is found on it by
//! bisection.

/// The `t` beyond which, on both sides together, 1 - `confidence` of the distribution lies. `confidence` is between 0 and
/// 1, `freedom` at least 1.
pub(super) fn quantile(confidence: f64, freedom: u32) -> f64 {
    let mut high = 1.0;
    // Ends: `between` tends to 1, and 1 itself is reached in floating point at the latest.
    while between(high, freedom) < confidence {
        high *= 2.0;
    }
    let mut low = 0.0;
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if between(middle, freedom) < confidence {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The share of the distribution from -`t` to `t`.
fn between(t: f64, freedom: u32) -> f64 {
    let n = f64::from(freedom.max(1));
    let angle = libm::atan(t / libm::sqrt(n));
    let (sine, cosine) = (libm::sin(angle), libm::cos(angle));
    let square = cosine * cosine;
    let odd = freedom % 2 == 1;
    // The terms cos^k weighted by (1·3·5…)/(2·4·6…) for even, (2·4·6…)/(1·3·5…) for odd degrees of freedom.
    let (mut term, mut sum) = if odd { (cosine, 0.0) } else { (1.0, 0.0) };
    let mut k = if odd { 3 } else { 2 };
    while k <= freedom {
        sum += term;
        let k_number = f64::from(k);
        term *= square * (k_number - 1.0) / k_number;
        k += 2;
    }
    if odd { (angle + sine * sum) * std::f64::consts::FRAC_2_PI } else { sine * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two-sided quantiles as printed in tables of the distribution (for example NIST/SEMATECH e-Handbook, 1.3.6.7.2).
    #[test]
    fn quantiles_agree_with_printed_tables() {
        let table = [
            (1, 6.314, 12.706, 63.657),
            (2, 2.920, 4.303, 9.925),
            (3, 2.353, 3.182, 5.841),
            (4, 2.132, 2.776, 4.604),
            (5, 2.015, 2.571, 4.032),
            (9, 1.833, 2.262, 3.250),
            (10, 1.812, 2.228, 3.169),
            (19, 1.729, 2.093, 2.861),
            (29, 1.699, 2.045, 2.756),
            (30, 1.697, 2.042, 2.750),
            (60, 1.671, 2.000, 2.660),
            (100, 1.660, 1.984, 2.626),
        ];
        for (freedom, t90, t95, t99) in table {
            for (confidence, expected) in [(0.90, t90), (0.95, t95), (0.99, t99)] {
                let t = quantile(confidence, freedom);
                assert!((t - expected).abs() < 0.000_501, "{freedom} degrees of freedom at {confidence}: {t}");
            }
        }
    }

    #[test]
    fn with_many_degrees_of_freedom_it_is_the_normal_distribution() {
        assert!((quantile(0.95, 1_000_000) - 1.959_964).abs() < 1e-5);
    }
}
