//! Axes: where ticks stand, and what is written at them.

use hansom_geo_index::Millis;

use super::number::{fixed, grouped};
use crate::scenario::Timezone;

/// What an axis measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Whole things.
    Count,
    /// Anything, in parts too.
    Quantity,
    /// Seconds, written in minutes where they are many.
    Seconds,
}

/// Evenly spaced marks from 0 to a round number not below the greatest value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    /// The last mark.
    pub top: f64,
    /// Marks with what is written at them.
    pub ticks: Vec<(f64, String)>,
}

impl Scale {
    /// At most five steps up to `greatest` or a little above.
    pub fn up_to(greatest: f64, unit: Unit) -> Self {
        let greatest = if greatest.is_finite() && greatest > 0.0 { greatest } else { 1.0 };
        let step = match unit {
            Unit::Seconds => step_s(greatest),
            Unit::Count => round_step(greatest).max(1.0),
            Unit::Quantity => round_step(greatest),
        };
        let count = (greatest / step).ceil().max(1.0) as u32;
        let ticks = (0..=count).map(|n| f64::from(n) * step).map(|at| (at, label(at, step, unit))).collect();
        Self { top: f64::from(count) * step, ticks }
    }

    /// Where a value lies between 0 and the top: 0 to 1.
    pub fn part(&self, value: f64) -> f64 {
        (value / self.top).clamp(0.0, 1.0)
    }
}

/// 1, 2, 2.5 or 5 times a power of ten, five of which reach `greatest`.
fn round_step(greatest: f64) -> f64 {
    let mut power = 1.0;
    while power * 10.0 <= greatest / 5.0 {
        power *= 10.0;
    }
    while power > greatest / 5.0 {
        power /= 10.0;
    }
    // Rounding of the powers must not take a step more than is needed.
    let enough = |step: &f64| step * 5.0 >= greatest * 0.999_999;
    [1.0, 2.0, 2.5, 5.0, 10.0].map(|part| part * power).into_iter().find(enough).unwrap_or(power * 10.0)
}

/// A span that clocks count in, at most five of which reach `greatest` seconds.
fn step_s(greatest: f64) -> f64 {
    const STEPS: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 3600.0];
    STEPS.into_iter().find(|step| step * 5.0 >= greatest).unwrap_or_else(|| round_step(greatest / 3600.0) * 3600.0)
}

/// So many decimals tell marks that are `step` apart from each other.
fn decimals(step: f64) -> usize {
    (0..4).find(|decimals| step * 10_f64.powi(*decimals) >= 1.0).map_or(4, |decimals| decimals as usize + 1)
}

fn label(at: f64, step: f64, unit: Unit) -> String {
    match unit {
        Unit::Count => grouped(at as i64),
        Unit::Quantity => fixed(at, decimals(step)),
        Unit::Seconds if step >= 3600.0 => format!("{} h", fixed(at / 3600.0, 0)),
        Unit::Seconds if step >= 60.0 => format!("{} min", fixed(at / 60.0, 0)),
        Unit::Seconds if at >= 60.0 => format!("{}:{:02} min", at as i64 / 60, at as i64 % 60),
        Unit::Seconds => format!("{} s", fixed(at, 0)),
    }
}

/// A span of simulated time, cut into equal bins.
#[derive(Debug, Clone)]
pub(super) struct Clock<'a> {
    /// Its start.
    pub start: Millis,
    /// Length of a bin.
    pub bin: Millis,
    /// Number of bins.
    pub count: usize,
    /// The zone in which times are written.
    pub zone: &'a Timezone,
}

impl Clock<'_> {
    /// Where an instant lies between start and end: 0 to 1.
    pub fn part(&self, at: Millis) -> f64 {
        let whole = self.bin.0 as f64 * self.count.max(1) as f64;
        ((at - self.start).0 as f64 / whole).clamp(0.0, 1.0)
    }

    /// An instant by the clock on the wall: `17:05`.
    pub fn time(&self, at: Millis) -> String {
        self.zone.stamp(at).get(11..16).unwrap_or_default().to_owned()
    }

    /// A bin by the clock on the wall: `17:05 – 17:10`.
    pub fn bin_name(&self, n: usize) -> String {
        let from = Millis(self.start.0 + self.bin.0 * n as i64);
        format!("{} – {}", self.time(from), self.time(from + self.bin))
    }

    /// Round local times with what is written at them, at most about a dozen.
    pub fn ticks(&self) -> Vec<(Millis, String)> {
        const MINUTES: [i64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440];
        let length = self.bin.0 * self.count as i64;
        let step = MINUTES.map(|m| m * 60_000).into_iter().find(|step| step * 12 >= length).unwrap_or(86_400_000 * 7);
        let local = |at: i64| at + i64::from(self.zone.offset_s(Millis(at))) * 1000;
        let mut at = self.start.0 + (-local(self.start.0)).rem_euclid(step);
        let mut ticks = Vec::new();
        while at <= self.start.0 + length {
            let stamp = self.zone.stamp(Millis(at));
            let text = if step >= 86_400_000 { stamp.get(5..10) } else { stamp.get(11..16) };
            ticks.push((Millis(at), text.unwrap_or_default().to_owned()));
            // Summer time may begin or end on the way.
            let next = at + step;
            at = next - (local(next).rem_euclid(step) + step / 2).rem_euclid(step) + step / 2;
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_on_a_round_number_at_or_above_the_greatest_value() {
        let tops = |unit: Unit, of: &[f64]| of.iter().map(|&g| Scale::up_to(g, unit).top).collect::<Vec<_>>();
        assert_eq!(
            tops(Unit::Count, &[0.0, 1.0, 3.0, 7.0, 10.0, 99.0, 420.0]),
            [1.0, 1.0, 3.0, 8.0, 10.0, 100.0, 500.0]
        );
        assert_eq!(tops(Unit::Seconds, &[4.0, 61.0, 299.0, 301.0, 5000.0]), [4.0, 75.0, 300.0, 360.0, 6000.0]);
        assert_eq!(Scale::up_to(301.0, Unit::Seconds).ticks[3].1, "6 min");
    }

    #[test]
    fn time_ticks_stand_on_round_local_times_across_a_change_of_the_clock() {
        let zone = Timezone::named("Europe/Berlin").expect("a zone");
        // 2026-03-28T22:30:00Z, in the night in which summer time begins at 01:00Z.
        let clock = Clock { start: Millis(1_774_737_000_000), bin: Millis::from_secs(900), count: 97, zone: &zone };
        let names: Vec<String> = clock.ticks().into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "00:00"]);
        assert_eq!(clock.bin_name(0), "23:30 – 23:45");
    }
}
