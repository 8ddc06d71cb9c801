//! How a run went over time: what vehicles did in each five minutes.

use hansom_geo_index::Millis;

use super::{Kind, Stint};

/// How long a bin is; the last one ends with the run.
pub const BIN: Millis = Millis::from_secs(300);

/// What vehicles did over time, from the period's start to the run's end.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The period's start.
    pub start: Millis,
    /// How long a bin is.
    pub bin: Millis,
    /// One after another.
    pub bins: Vec<Bin>,
}

/// How many vehicles were at what, on the mean over a bin.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bin {
    /// Drove a rider, or let one out.
    pub on_board: f64,
    /// Stood at a pickup, or let a rider in.
    pub at_pickup: f64,
    /// On the way to a pickup.
    pub en_route: f64,
    /// Drove around.
    pub cruising: f64,
    /// Stood with nothing to do.
    pub standing: f64,
}

impl Series {
    /// Nothing yet.
    pub fn new(start: Millis) -> Self {
        Self { start, bin: BIN, bins: Vec::new() }
    }

    /// Adds a stint. Until [`finish`](Self::finish), bins hold vehicle-milliseconds.
    pub fn add(&mut self, stint: &Stint) {
        let (from, until) = ((stint.start - self.start).0.max(0), (stint.end - self.start).0);
        let mut at = from;
        while at < until {
            let n = at / self.bin.0;
            let end = until.min((n + 1) * self.bin.0);
            if self.bins.len() <= n as usize {
                self.bins.resize(n as usize + 1, Bin::default());
            }
            *self.bins[n as usize].of(stint) += (end - at) as f64;
            at = end;
        }
    }

    /// The run is over at `end`.
    pub fn finish(&mut self, end: Millis) {
        for (n, bin) in self.bins.iter_mut().enumerate() {
            let start = self.start + Millis(n as i64 * self.bin.0);
            let length = self.bin.min(end - start).0.max(1) as f64;
            for state in
                [&mut bin.on_board, &mut bin.at_pickup, &mut bin.en_route, &mut bin.cruising, &mut bin.standing]
            {
                *state /= length;
            }
        }
    }
}

impl Bin {
    fn of(&mut self, stint: &Stint) -> &mut f64 {
        match stint.kind {
            Kind::Loaded | Kind::Alight => &mut self.on_board,
            Kind::Empty => &mut self.en_route,
            Kind::Cruise => &mut self.cruising,
            Kind::Board => &mut self.at_pickup,
            Kind::Stand if stint.ride.is_some() => &mut self.at_pickup,
            Kind::Stand => &mut self.standing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hansom_engine::RideId;
    use hansom_geo_index::{EdgeId, Position};

    #[test]
    fn a_stint_counts_in_every_bin_it_lasts_in() {
        let place = Position { edge: EdgeId(0), along: 0 };
        let stint = |kind, ride, start, end| Stint {
            vehicle: 0,
            ride,
            kind,
            from: place,
            to: place,
            start: Millis::from_secs(start),
            end: Millis::from_secs(end),
            driven_mm: 0,
        };
        let mut series = Series::new(Millis::from_secs(1000));
        series.add(&stint(Kind::Stand, None, 1000, 1150));
        series.add(&stint(Kind::Loaded, Some(RideId(1)), 1150, 1700));
        series.finish(Millis::from_secs(1700));
        let means: Vec<_> = series.bins.iter().map(|bin| (bin.standing, bin.on_board)).collect();
        assert_eq!(means, [(0.5, 0.5), (0.0, 1.0), (0.0, 1.0)], "the last bin lasts 100 s");
    }
}
