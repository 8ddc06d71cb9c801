//! The demand model: a Poisson process with a rate for each hour, between weighted zones.

use hansom_geo_index::{Coord, Millis, Network};

use super::Request;
use super::error::DemandError;
use super::place::Places;
use crate::rng::{Draw, Purpose, Stream};
use crate::scenario::{DemandModel, Period, Zone};

/// The requests that `seed` draws for `period`, in order of time.
///
/// The n-th request keeps its places whatever the rates are, and its time moves with them: the gaps are exponential in
/// expected requests, not in time.
pub(super) fn draw(
    model: &DemandModel,
    seed: u64,
    period: Period,
    network: &Network,
) -> Result<Vec<Request>, DemandError> {
    let pickups = Zones::named(&model.from, &model.zones, network)?;
    let dropoffs = Zones::named(&model.to, &model.zones, network)?;
    let (gaps, from, to) = (
        Stream::new(seed, Purpose::RequestGap),
        Stream::new(seed, Purpose::Pickup),
        Stream::new(seed, Purpose::Dropoff),
    );
    let mut clock = Clock::new(&model.rate_per_h, period);
    let mut requests = Vec::new();
    while let Some(at) = clock.after(gaps.draw(0, requests.len() as u64).exponential()) {
        let n = requests.len() as u64;
        let place = |zones: &Zones, stream: Stream| zones.pick(network, stream.draw(n, 0), stream.draw(n, 1));
        requests.push(Request { at, pickup: place(&pickups, from), dropoff: place(&dropoffs, to), seats: model.seats });
    }
    Ok(requests)
}

/// Turns expected numbers of requests into times.
struct Clock<'r> {
    rate_per_h: &'r [f64],
    period: Period,
    /// Present time from the period's start, in ms.
    at: f64,
}

const HOUR_MS: f64 = 3_600_000.0;

impl<'r> Clock<'r> {
    fn new(rate_per_h: &'r [f64], period: Period) -> Self {
        Self { rate_per_h, period, at: 0.0 }
    }

    /// The time at which so many more requests are expected; `None`: after the period.
    fn after(&mut self, mut expected: f64) -> Option<Millis> {
        let length = (self.period.end - self.period.start).0 as f64;
        while self.at < length {
            let hour = (self.at / HOUR_MS) as usize;
            let rate = match self.rate_per_h {
                [all] => *all,
                hours => hours.get(hour).copied().unwrap_or(0.0),
            };
            let hour_end = ((hour + 1) as f64 * HOUR_MS).min(length);
            let left = rate * (hour_end - self.at) / HOUR_MS;
            if expected < left {
                self.at += expected / rate * HOUR_MS;
                // Rounding may reach the hour's end.
                let at = Millis(self.at as i64);
                return (self.at < length).then(|| self.period.start + at);
            }
            expected -= left;
            self.at = hour_end;
        }
        None
    }
}

/// Discs to draw a place from.
struct Zones {
    discs: Vec<Places>,
    /// Weight of all discs up to and with each.
    ends: Vec<f64>,
}

impl Zones {
    /// The discs of the zones called `names`; without names all streets, as one.
    fn named(names: &[String], zones: &[Zone], network: &Network) -> Result<Self, DemandError> {
        if names.is_empty() {
            return Ok(Self { discs: vec![Places::everywhere(network)], ends: vec![1.0] });
        }
        let (mut discs, mut ends, mut end) = (Vec::new(), Vec::new(), 0.0);
        for zone in zones.iter().filter(|zone| names.contains(&zone.name)) {
            let disc = Places::within(network, zone.center, zone.radius);
            if disc.length_mm() == 0 {
                return Err(DemandError::NoStreet {
                    zone: zone.name.clone(),
                    radius_m: zone.radius.0 / 1000,
                    lat: f64::from(zone.center.lat) / 1e7,
                    lon: f64::from(zone.center.lon) / 1e7,
                });
            }
            end += zone.weight;
            discs.push(disc);
            ends.push(end);
        }
        Ok(Self { discs, ends })
    }

    fn pick(&self, network: &Network, zone: Draw, place: Draw) -> Coord {
        let at = zone.unit() * self.ends.last().copied().unwrap_or(0.0);
        let n = self.ends.partition_point(|&end| end <= at).min(self.ends.len() - 1);
        let position = self.discs[n].pick(place).expect("zones without streets were refused");
        network.coord(position)
    }
}
