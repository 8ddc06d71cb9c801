//! How long riders wait, learnt from riders of whom most were served before they would have left.
//!
//! A rider who cancelled shows his patience; one who was matched shows only that it was longer (right-censored). A log-normal
//! is fitted to both by maximum likelihood: in the parameters `1/σ` and `μ/σ` the likelihood has one summit (Olsen,
//! Econometrica 46, 1978), to which Newton's steps lead.

use hansom_geo_index::Millis;

use crate::rng::{Draw, Z90, inverse_normal};

/// How long a rider waited for a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// From the request to the match or the cancellation, or to the end of the ride for another reason.
    pub span: Millis,
    /// Whether the rider ended it.
    pub gave_up: bool,
}

/// The patience of riders: log-normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    /// Mean of the logarithm of seconds …
    mu: f64,
    /// … and its standard deviation.
    sigma: f64,
}

/// Below so many cancellations only the median is fitted: the spread is that of a p90 of twice the median.
const FEW: usize = 10;

impl Patience {
    /// The one under which these waits are likeliest; `None`: nobody gave up, and nothing is known of it.
    pub fn fit(waits: &[Wait]) -> Option<Self> {
        let seconds = |wait: &Wait| libm::log(wait.span.0.max(1) as f64 / 1000.0);
        let part =
            |gave_up: bool| -> Vec<f64> { waits.iter().filter(|wait| wait.gave_up == gave_up).map(seconds).collect() };
        let (seen, censored) = (part(true), part(false));
        if seen.is_empty() {
            return None;
        }
        let fit = Fit { seen: &seen, censored: &censored, spread: seen.len() >= FEW };
        let theta = Z90 / core::f64::consts::LN_2;
        let mean = seen.iter().sum::<f64>() / seen.len() as f64;
        let (delta, theta) = fit.summit(theta * mean, theta);
        Some(Self { mu: delta / theta, sigma: 1.0 / theta })
    }

    /// The median.
    pub fn p50(&self) -> Millis {
        span(self.mu)
    }

    /// The 90th percentile.
    pub fn p90(&self) -> Millis {
        span(self.mu + Z90 * self.sigma)
    }

    /// A patience of more than `borne`.
    pub fn above(&self, borne: Millis, draw: Draw) -> Millis {
        let longer = match borne.0 {
            ..=0 => 1.0,
            ms => upper((libm::log(ms as f64 / 1000.0) - self.mu) / self.sigma),
        };
        let share = longer * (1.0 - draw.unit());
        if share < 1e-300 {
            return borne;
        }
        span(self.mu - self.sigma * inverse_normal(share.min(1.0 - f64::EPSILON))).max(borne)
    }
}

/// Seconds of a logarithm. The cast saturates.
fn span(log_s: f64) -> Millis {
    Millis(libm::round(libm::exp(log_s) * 1000.0) as i64)
}

/// The upper tail of the standard normal distribution.
fn upper(z: f64) -> f64 {
    0.5 * libm::erfc(z * core::f64::consts::FRAC_1_SQRT_2)
}

/// Density over upper tail.
fn hazard(z: f64) -> f64 {
    const INV_SQRT_TAU: f64 = 0.398_942_280_401_432_7;
    if z > 30.0 {
        return z + 1.0 / z;
    }
    INV_SQRT_TAU * libm::exp(-0.5 * z * z) / upper(z)
}

/// The likelihood of waits, whose logarithms are given.
struct Fit<'a> {
    seen: &'a [f64],
    censored: &'a [f64],
    /// Whether the spread is fitted, too.
    spread: bool,
}

/// Steps to the summit are halved at most so often, and no more than so many are made.
const STEPS: usize = 60;

impl Fit<'_> {
    fn summit(&self, mut delta: f64, mut theta: f64) -> (f64, f64) {
        let mut height = self.height(delta, theta);
        for _ in 0..STEPS {
            let (step_delta, step_theta) = self.step(delta, theta);
            let mut share = 1.0;
            let better = (0..STEPS).find_map(|_| {
                let (d, t) = (delta + share * step_delta, theta + share * step_theta);
                let reached = if t > 0.0 { self.height(d, t) } else { f64::NEG_INFINITY };
                share /= 2.0;
                (reached > height).then_some((d, t, reached))
            });
            let Some((d, t, reached)) = better else { break };
            let gained = reached - height;
            (delta, theta, height) = (d, t, reached);
            if gained < 1e-9 {
                break;
            }
        }
        (delta, theta)
    }

    /// Logarithm of the likelihood, but for a constant.
    fn height(&self, delta: f64, theta: f64) -> f64 {
        let seen = self.seen.iter().map(|x| {
            let u = theta * x - delta;
            libm::log(theta) - 0.5 * u * u
        });
        let censored = self.censored.iter().map(|c| {
            let v = theta * c - delta;
            // Beyond 30 the tail is as good as its leading term.
            if v > 30.0 { -0.5 * v * v - libm::log(v) } else { libm::log(upper(v)) }
        });
        seen.sum::<f64>() + censored.sum::<f64>()
    }

    /// Newton's step.
    fn step(&self, delta: f64, theta: f64) -> (f64, f64) {
        let n = self.seen.len() as f64;
        let (mut up_delta, mut up_theta) = (0.0, n / theta);
        let (mut delta_delta, mut delta_theta, mut theta_theta) = (n, 0.0, n / (theta * theta));
        for x in self.seen {
            let u = theta * x - delta;
            up_delta += u;
            up_theta -= u * x;
            delta_theta -= x;
            theta_theta += x * x;
        }
        for c in self.censored {
            let h = hazard(theta * c - delta);
            let bend = h * (h - (theta * c - delta));
            up_delta += h;
            up_theta -= h * c;
            delta_delta += bend;
            delta_theta -= bend * c;
            theta_theta += bend * c * c;
        }
        if !self.spread {
            return (up_delta / delta_delta, 0.0);
        }
        // The negative of the matrix of second derivatives is positive definite.
        let determinant = delta_delta * theta_theta - delta_theta * delta_theta;
        (
            (theta_theta * up_delta - delta_theta * up_theta) / determinant,
            (delta_delta * up_theta - delta_theta * up_delta) / determinant,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    fn near(value: Millis, target: f64, share: f64) {
        let value = value.0 as f64 / 1000.0;
        assert!((value / target - 1.0).abs() <= share, "{value} is not near {target}");
    }

    /// Riders whose patience has median 240 s and p90 480 s, each matched after an exponential time of mean `mean_s`.
    fn waits(n: u64, mean_s: f64) -> Vec<Wait> {
        let (patience, matched) = (Stream::new(3, Purpose::Patience), Stream::new(3, Purpose::RequestGap));
        let ms = |seconds: f64| Millis((seconds * 1000.0) as i64);
        (0..n)
            .map(|rider| {
                let leaves = ms(patience.draw(rider, 0).log_normal_between(240.0, 480.0));
                let served = ms(mean_s * matched.draw(rider, 0).exponential());
                Wait { span: leaves.min(served), gave_up: leaves <= served }
            })
            .collect()
    }

    #[test]
    fn patience_is_found_behind_the_riders_who_were_served() {
        for (mean_s, share) in [(1_000.0, 0.02), (200.0, 0.03), (60.0, 0.15)] {
            let waits = waits(40_000, mean_s);
            let fitted = Patience::fit(&waits).expect("some gave up");
            near(fitted.p50(), 240.0, share);
            near(fitted.p90(), 480.0, 2.0 * share);
        }
    }

    #[test]
    fn nobody_who_gave_up_says_nothing_and_few_say_the_median() {
        let served = Wait { span: Millis(60_000), gave_up: false };
        assert_eq!(Patience::fit(&[served; 5]), None);
        let gone = Wait { span: Millis(240_000), gave_up: true };
        let fitted = Patience::fit(&[gone; 3]).expect("three gave up");
        near(fitted.p50(), 240.0, 0.001);
        near(fitted.p90(), 480.0, 0.001);
        let patient =
            Patience::fit(&[&[gone; 3][..], &[Wait { gave_up: false, ..gone }; 30][..]].concat()).expect("fits");
        assert!(patient.p50() > Millis(400_000), "thirty who waited as long did not leave: {:?}", patient.p50());
    }

    #[test]
    fn who_was_served_would_have_waited_longer_than_he_did() {
        let fitted = Patience::fit(&waits(5_000, 300.0)).expect("some gave up");
        let draws = Stream::new(9, Purpose::Patience);
        for borne in [0, 1, 200_000, 900_000, 50_000_000] {
            let drawn: Vec<Millis> = (0..2_000).map(|n| fitted.above(Millis(borne), draws.draw(n, 0))).collect();
            assert!(drawn.iter().all(|span| span.0 >= borne), "{borne}");
        }
        // From nothing borne on it is the whole distribution.
        let mut drawn: Vec<Millis> = (0..20_000).map(|n| fitted.above(Millis::ZERO, draws.draw(n, 0))).collect();
        drawn.sort_unstable();
        near(drawn[10_000], fitted.p50().0 as f64 / 1000.0, 0.02);
        near(drawn[18_000], fitted.p90().0 as f64 / 1000.0, 0.03);
    }
}
