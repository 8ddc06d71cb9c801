//! Messages under way: lost, late, doubled, overtaken, and garbage beside them.

use super::{Happening, World};
use crate::client::{ClientId, Down, Up};
use crate::draws::Draws;
use crate::kinds::Kind;
use crate::town::Weather;
use hansom_geo_index::Millis;

impl World {
    pub(super) fn send_all(&mut self, from: ClientId, ups: Vec<Up>) {
        let (settling, fair) = (self.moment().settling, self.setting.weather.garbage);
        let (garbage, twice) = self.options.repeats.map_or((fair, false), |garbage| (garbage, true));
        for up in ups {
            if let Up::Line(line) = &up {
                if (!settling || twice) && self.noise.chance(garbage) {
                    let garbage = self.garbage(line);
                    self.summary.faults.add(Kind::Garbage, 1);
                    self.under_way((from, true), || Happening::Up(from, Up::Line(garbage.clone())));
                }
                if twice {
                    self.under_way((from, true), || Happening::Up(from, up.clone()));
                }
            }
            self.under_way((from, true), || Happening::Up(from, up.clone()));
        }
    }

    pub(super) fn reply(&mut self, to: ClientId, down: &Down) {
        self.under_way((to, false), || Happening::Down(to, down.clone()));
    }

    /// Sends a message to or from a client: it is lost, doubled or late as drawn.
    fn under_way(&mut self, way: (ClientId, bool), message: impl Fn() -> Happening) {
        let weather = self.setting.weather;
        if self.moment().settling || weather.is_fair() {
            return self.plan(self.now + Weather::SHORTEST, message());
        }
        let net = self.net_of(way.0);
        let copies = if net.chance(weather.lost) { 0 } else { 1 + u64::from(net.chance(weather.doubled)) };
        self.summary.faults.add(Kind::Lost, u64::from(copies == 0));
        self.summary.faults.add(Kind::Doubled, u64::from(copies == 2));
        for _ in 0..copies {
            // In steps, so that things meet at the same moment.
            let delay =
                Millis(Weather::SHORTEST.0 * self.net_of(way.0).between(1, weather.delay.0 / Weather::SHORTEST.0));
            let arrives = self.now + delay;
            let latest = self.arrivals.entry(way).or_insert(arrives);
            self.summary.faults.add(Kind::Late, u64::from(delay > Weather::SHORTEST));
            self.summary.faults.add(Kind::Overtaken, u64::from(arrives < *latest));
            *latest = arrives.max(*latest);
            self.plan(arrives, message());
        }
    }

    /// By what it is drawn what becomes of a client's messages.
    pub(super) fn net_of(&mut self, client: ClientId) -> &mut Draws {
        if self.clients[client].reader().is_some() { &mut self.aside } else { &mut self.net }
    }

    /// A line that no decoder takes.
    fn garbage(&mut self, line: &[u8]) -> Vec<u8> {
        let mut garbage = line.to_vec();
        match self.noise.below(4) {
            0 => garbage.truncate(self.noise.below(line.len() as u64) as usize),
            1 => garbage[self.noise.below(line.len() as u64) as usize] = 0xff,
            2 => garbage.extend_from_slice(b"}"),
            _ => garbage = (0..self.noise.below(80)).map(|_| self.noise.next() as u8 | 0x80).collect(),
        }
        garbage
    }
}
