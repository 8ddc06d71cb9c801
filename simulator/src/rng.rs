//! Chance, keyed: every draw is a function of (seed, purpose, id, ordinal) and of nothing else.
//!
//! So a draw does not depend on what was drawn before it: two runs that differ in policy or fleet size meet the same
//! drivers, riders and traffic, and can be compared pair by pair. Knows numbers; refuses to know what they are for
//! beyond the name of the [`Purpose`].
//!
//! Bits come from chained `SplitMix64` finalisers (Steele, Lea and Flood, OOPSLA 2014, constants of Stafford's variant
//! 13). Floats use only `+ - * / sqrt` and the pure-Rust `libm`: the same bits on every machine.

/// What a draw is for. The number is part of the key: a purpose keeps its number for ever, a new one takes the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Purpose {
    /// The factor of the day on all travel times.
    DayTraffic = 1,
    /// The factor of an edge on its travel times; id = edge.
    EdgeTraffic = 2,
    /// The gap before the n-th request of a demand model.
    RequestGap = 3,
    /// The zone and place of a modelled request's pickup; id = request.
    Pickup = 4,
    /// The zone and place of a modelled request's dropoff; id = request.
    Dropoff = 5,
    /// Where a vehicle starts; id = vehicle.
    StartPlace = 6,
    /// Whether a driver accepts an offer; id = [`pair`]\(driver, ride\), ordinal = nth offer of that ride to that driver.
    Acceptance = 7,
    /// How long a driver thinks; key as for [`Purpose::Acceptance`].
    Reaction = 8,
    /// Whether a driver cancels an accepted ride; key as for [`Purpose::Acceptance`].
    DriverCancel = 9,
    /// When on the way to the pickup a driver cancels; key as for [`Purpose::Acceptance`].
    DriverCancelMoment = 10,
    /// Whether a driver's phone goes dark on a ride; id = [`pair`]\(driver, ride\).
    Dark = 11,
    /// When and how long it is dark; id = [`pair`]\(driver, ride\).
    DarkSpan = 12,
    /// How long a rider waits for a match; id = ride.
    Patience = 13,
    /// How late a pickup a rider puts up with; id = ride.
    Lateness = 14,
    /// Whether a rider does not show up; id = ride.
    NoShow = 15,
    /// Noise of a position report; id = vehicle, ordinal = report.
    PingNoise = 16,
    /// The phase of a vehicle's position reports; id = vehicle.
    PingPhase = 17,
    /// Whether a vehicle's GPS is frozen; id = vehicle.
    Frozen = 18,
    /// Where an idle vehicle cruises to; id = vehicle, ordinal = cruise.
    Cruise = 19,
    /// The key of a command; id = command.
    Key = 20,
    /// Whether something goes wrong between a person and a live market; id = occasion.
    Mischief = 21,
}

/// One key for two dense ids.
pub const fn pair(a: u32, b: u32) -> u64 {
    (a as u64) << 32 | b as u64
}

/// All draws of one purpose under one seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream(u64);

impl Stream {
    /// The draws of `purpose` under `seed`.
    pub const fn new(seed: u64, purpose: Purpose) -> Self {
        Self(mix(mix(seed) ^ purpose as u64))
    }

    /// The draw of `id` with `ordinal`.
    pub const fn draw(self, id: u64, ordinal: u64) -> Draw {
        Draw(mix(mix(self.0 ^ id) ^ ordinal))
    }
}

/// One draw: 64 random bits, to be read in exactly one of the ways below (reading twice gives the same number twice).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw(u64);

/// 2^-53.
const ULP: f64 = 1.0 / 9_007_199_254_740_992.0;

/// The 90th percentile of the standard normal distribution.
pub const Z90: f64 = 1.281_551_565_544_600_4;

impl Draw {
    /// The bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Another draw from this one, independent of every way of reading it.
    #[must_use]
    pub const fn split(self, n: u64) -> Self {
        Self(mix(self.0 ^ mix(n)))
    }

    /// Uniform in [0, 1), of 53 bits.
    pub fn unit(self) -> f64 {
        (self.0 >> 11) as f64 * ULP
    }

    /// Uniform among `0..n` by the high half of a 128-bit product: no value is favoured by more than `n` in 2^64. 0 if
    /// `n` is 0.
    pub const fn below(self, n: u64) -> u64 {
        ((self.0 as u128 * n as u128) >> 64) as u64
    }

    /// True with probability `p`; never at 0, always at 1.
    pub fn chance(self, p: f64) -> bool {
        self.unit() < p
    }

    /// Standard normal, by the inverse of its distribution.
    pub fn normal(self) -> f64 {
        inverse_normal(((self.0 >> 11) as f64 + 0.5) * ULP)
    }

    /// Two independent standard normals, from 32 bits each: never beyond 6.4.
    pub fn normals(self) -> (f64, f64) {
        const ULP32: f64 = 1.0 / 4_294_967_296.0;
        let half = |bits: u64| inverse_normal((bits as f64 + 0.5) * ULP32);
        (half(self.0 >> 32), half(self.0 & 0xFFFF_FFFF))
    }

    /// Log-normal with median 1: its logarithm has standard deviation `sigma`.
    pub fn log_normal(self, sigma: f64) -> f64 {
        libm::exp(sigma * self.normal())
    }

    /// Log-normal with the given 50th and 90th percentiles, both above 0.
    pub fn log_normal_between(self, p50: f64, p90: f64) -> f64 {
        p50 * self.log_normal(libm::log(p90 / p50) / Z90)
    }

    /// Exponential with mean 1; never 0.
    pub fn exponential(self) -> f64 {
        -libm::log(((self.0 >> 11) as f64 + 0.5) * ULP)
    }
}

/// A bijection of 64 bits in which every input bit changes each output bit with probability near 1/2.
const fn mix(x: u64) -> u64 {
    let z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The inverse of the standard normal distribution at `p` in (0, 1), relative error below 1.2e-9.
///
/// Rational approximations of P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution
/// function", 2003.
pub(crate) fn inverse_normal(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] =
        [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416, 1.0];
    const LOW: f64 = 0.024_25;
    let polynomial = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |p: f64| {
        let q = libm::sqrt(-2.0 * libm::log(p));
        polynomial(&C, q) / polynomial(&D, q)
    };
    if p < LOW {
        tail(p)
    } else if p > 1.0 - LOW {
        -tail(1.0 - p)
    } else {
        let q = p - 0.5;
        let r = q * q;
        polynomial(&A, r) * q / polynomial(&B, r)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws with ids `0..n`.
    fn draws(purpose: Purpose, n: u64) -> impl Iterator<Item = Draw> {
        (0..n).map(move |id| Stream::new(7, purpose).draw(id, 0))
    }

    #[test]
    fn values_are_pinned_for_ever() {
        let draw = |seed, id, ordinal| Stream::new(seed, Purpose::Acceptance).draw(id, ordinal);
        assert_eq!(mix(0), 0xE220_A839_7B1D_CDAF); // the first output of SplitMix64 seeded with 0
        assert_eq!(draw(1, 0, 0).bits(), 826_162_214_880_598_235);
        assert_eq!(draw(1, 0, 0).unit().to_bits(), 0x3FA6_EE3C_5081_9DB0);
        assert_eq!(draw(1, 0, 0).normal().to_bits(), 0xBFFB_2999_72C5_5154);
        assert_eq!(draw(1, 0, 0).exponential().to_bits(), 0x4008_D8C8_F1B6_A446);
        assert_eq!(draw(1, 0, 0).log_normal_between(4.0, 9.0).to_bits(), 0x3FF5_DC21_CA40_EAED);
        assert_ne!(draw(1, 0, 0), draw(2, 0, 0));
        assert_ne!(draw(1, 0, 0), draw(1, 1, 0));
        assert_ne!(draw(1, 0, 0), draw(1, 0, 1));
        assert_ne!(draw(1, 3, 0), draw(1, 0, 3));
        assert_ne!(draw(1, 0, 0), Stream::new(1, Purpose::Reaction).draw(0, 0));
    }

    /// Mean and standard deviation.
    fn moments(values: impl Iterator<Item = f64>) -> (f64, f64) {
        let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for value in values {
            n += 1.0;
            sum += value;
            squares += value * value;
        }
        (sum / n, libm::sqrt(squares / n - (sum / n) * (sum / n)))
    }

    #[track_caller]
    fn near(value: f64, target: f64, tolerance: f64) {
        assert!((value - target).abs() <= tolerance, "{value} is not within {tolerance} of {target}");
    }

    // With 100,000 draws the standard error of a mean is 0.0032 standard deviations; bounds below are four of it or more.
    const N: u64 = 100_000;

    #[test]
    fn distributions_have_their_moments() {
        let (mean, sd) = moments(draws(Purpose::Pickup, N).map(Draw::unit));
        near(mean, 0.5, 0.004);
        near(sd, libm::sqrt(1.0 / 12.0), 0.002);
        let (mean, sd) = moments(draws(Purpose::Pickup, N).map(Draw::normal));
        near(mean, 0.0, 0.013);
        near(sd, 1.0, 0.01);
        let (mean, sd) = moments(draws(Purpose::RequestGap, N).map(Draw::exponential));
        near(mean, 1.0, 0.013);
        near(sd, 1.0, 0.03);
        let (mean, sd) = moments(draws(Purpose::EdgeTraffic, N).map(|draw| libm::log(draw.log_normal(0.2))));
        near(mean, 0.0, 0.0026);
        near(sd, 0.2, 0.002);
        let share = draws(Purpose::NoShow, N).filter(|draw| draw.chance(0.01)).count() as f64 / N as f64;
        near(share, 0.01, 0.0013);
    }

    #[test]
    fn a_pair_of_normals_is_independent() {
        let pairs = || draws(Purpose::PingNoise, N).map(Draw::normals);
        for (mean, sd) in [moments(pairs().map(|pair| pair.0)), moments(pairs().map(|pair| pair.1))] {
            near(mean, 0.0, 0.013);
            near(sd, 1.0, 0.01);
        }
        near(moments(pairs().map(|(a, b)| a * b)).0, 0.0, 0.013);
    }

    #[test]
    fn percentiles_are_those_asked_for() {
        let mut values: Vec<f64> = draws(Purpose::Patience, N).map(|draw| draw.log_normal_between(4.0, 9.0)).collect();
        values.sort_by(f64::total_cmp);
        near(values[N as usize / 2], 4.0, 0.05);
        near(values[N as usize * 9 / 10], 9.0, 0.2);
    }

    #[test]
    fn below_reaches_all_and_no_more() {
        let mut counts = [0u32; 7];
        for draw in draws(Purpose::Cruise, 70_000) {
            counts[draw.below(7) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
        assert_eq!(Draw(u64::MAX).below(7), 6);
        assert_eq!((Draw(u64::MAX).below(0), Draw(0).below(7)), (0, 0));
    }

    #[test]
    fn chance_is_certain_at_its_ends() {
        assert!(draws(Purpose::NoShow, 1000).all(|draw| draw.chance(1.0) && !draw.chance(0.0)));
        assert!(Draw(u64::MAX).chance(1.0) && !Draw(0).chance(0.0));
    }

    #[test]
    fn neighbouring_keys_are_unrelated() {
        let bits = |id, ordinal| Stream::new(7, Purpose::Acceptance).draw(id, ordinal).bits();
        let flips = |f: &dyn Fn(u64) -> u32| (0..10_000).map(f).sum::<u32>() as f64 / 10_000.0;
        near(flips(&|id| (bits(id, 0) ^ bits(id + 1, 0)).count_ones()), 32.0, 0.2);
        near(flips(&|id| (bits(id, 0) ^ bits(id, 1)).count_ones()), 32.0, 0.2);
        near(flips(&|id| (bits(id, 0) ^ bits(0, id)).count_ones()), 32.0, 0.2);
        near(
            flips(&|id| (bits(id, 0) ^ Stream::new(8, Purpose::Acceptance).draw(id, 0).bits()).count_ones()),
            32.0,
            0.2,
        );
        near(
            flips(&|id| (bits(id, 0) ^ Stream::new(7, Purpose::Acceptance).draw(id, 0).split(1).bits()).count_ones()),
            32.0,
            0.2,
        );
    }

    #[test]
    fn inverse_normal_meets_known_quantiles() {
        for (p, z) in [
            (0.5, 0.0),
            (0.9, Z90),
            (0.975, 1.959_963_984_540_054),
            (0.999, 3.090_232_306_167_813_5),
            (0.01, -2.326_347_874_040_841),
            (1e-9, -5.997_807_015_007_686),
        ] {
            assert!((inverse_normal(p) - z).abs() <= 2e-9 * z.abs().max(1.0), "{p}: {} against {z}", inverse_normal(p));
        }
        // The pieces meet: no step at the joints.
        assert!((inverse_normal(0.024_25 - 1e-12) - inverse_normal(0.024_25 + 1e-12)).abs() < 1e-8);
    }
}
