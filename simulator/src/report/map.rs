//! The map: streets, and where riders were picked up, coloured by how long they had waited.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use hansom_geo_index::{Coord, EdgeId, Network, NodeId, Point};

use super::number::grouped;
use super::svg::{drawing, px};

/// Most pickups on a map: more would cover each other, and the report would grow too large to send.
const MOST_PICKUPS: usize = 6_000;
/// So few pickups are drawn larger.
const FEW: usize = 1_500;
/// Most lines of streets on a map.
const MOST_STREETS: usize = 30_000;
/// Size that a map may have, in tenths of a pixel.
const ROOM: (i64, i64) = (6_400, 7_600);
const MARGIN: i64 = 80;
/// Number of colours.
const CLASSES: usize = 6;
/// Pickups are drawn in so many rounds from first to last, so that no colour lies above the others.
const ROUNDS: usize = 12;

/// A request, as far as the map shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    /// From where.
    pub pickup: Coord,
    /// To where.
    pub dropoff: Coord,
    /// How long the rider waited, ms; `None`: was not picked up.
    pub wait_ms: Option<i64>,
}

/// A map with what its colours mean.
#[derive(Debug)]
pub(super) struct Map {
    /// The drawing.
    pub svg: String,
    /// Its width in pixels.
    pub width: i64,
    /// A line for each colour: the style's class and what it says.
    pub legend: Vec<(String, String)>,
    /// How many pickups are shown.
    pub shown: usize,
}

/// The map of requests, which are in order of time.
pub(super) fn draw(network: &Network, asked: &[Asked]) -> Map {
    let sheet = Sheet::of(network, asked);
    let step_s = step_s(asked);
    let sample = sample(asked);
    let mut content = format!("<path class=\"street\" d=\"{}\"/>", sheet.streets(network));
    content += if sample.len() < FEW { "<g class=\"few\">" } else { "<g>" };
    for round in 0..ROUNDS {
        let part = &sample[sample.len() * round / ROUNDS..sample.len() * (round + 1) / ROUNDS];
        content += &sheet.pickups(network, part, step_s);
    }
    content += "</g>";
    content += &sheet.scale_bar();
    let picked_up = asked.iter().filter(|request| request.wait_ms.is_some()).count();
    let describe = format!(
        "Streets of {}. {} pickups, {} requests that were not picked up.",
        network.name(),
        grouped(picked_up as i64),
        grouped((asked.len() - picked_up) as i64)
    );
    let (width, height) = (sheet.width as f64 / 10.0, sheet.height as f64 / 10.0);
    let svg = drawing(width, height, "Pickups by wait", &describe, &content);
    Map { svg, width: sheet.width / 10, legend: legend(step_s), shown: sample.len() }
}

/// How long a class of waits is in seconds: five of them hold 95 % of the waits.
fn step_s(asked: &[Asked]) -> i64 {
    let mut waits: Vec<i64> = asked.iter().filter_map(|request| request.wait_ms).collect();
    waits.sort_unstable();
    let most = waits.get((waits.len() * 95).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0);
    [15, 30, 60, 90, 120, 180, 300, 600, 1200].into_iter().find(|step| step * 5_000 >= most).unwrap_or(3600)
}

fn class_of(wait_ms: i64, step_s: i64) -> usize {
    ((wait_ms.max(0) / (step_s * 1000)) as usize).min(CLASSES - 1)
}

fn legend(step_s: i64) -> Vec<(String, String)> {
    let clock = |n: usize| {
        let seconds = step_s * n as i64;
        match (step_s % 60, seconds % 60) {
            (0, _) => (seconds / 60).to_string(),
            (_, rest) => format!("{}:{rest:02}", seconds / 60),
        }
    };
    let mut lines: Vec<(String, String)> =
        (0..CLASSES - 1).map(|n| (format!("w{n}"), format!("{} – {} min", clock(n), clock(n + 1)))).collect();
    lines.push((format!("w{}", CLASSES - 1), format!("{} min and more", clock(CLASSES - 1))));
    lines.push(("lost".to_owned(), "not picked up".to_owned()));
    lines
}

/// At most [`MOST_PICKUPS`], evenly from first to last.
fn sample(asked: &[Asked]) -> Vec<Asked> {
    let count = asked.len().min(MOST_PICKUPS);
    (0..count).map(|n| asked[n * asked.len() / count]).collect()
}

/// From the flat map of a network to the page, north up, in tenths of a pixel.
#[derive(Debug, Clone, Copy)]
struct Sheet {
    west: i64,
    north: i64,
    /// Tenths of a pixel for `per` mm.
    room: i64,
    per: i64,
    width: i64,
    height: i64,
}

impl Sheet {
    /// As much of the network as requests touch, with some room around; more of it where the sheet has room.
    fn of(network: &Network, asked: &[Asked]) -> Self {
        let nodes = || (0..network.node_count() as u32).map(|n| network.node_point(NodeId(n)));
        let ends = || asked.iter().flat_map(|request| [request.pickup, request.dropoff]);
        let range = |of: fn(Point) -> i32| {
            let whole = span_of(nodes().map(of)).unwrap_or((0, 1));
            let (low, high) = span_of(ends().map(|end| of(network.projection().point(end)))).unwrap_or(whole);
            let room = (high - low) / 12;
            // A place in the sea must not shrink the town.
            let (low, high) = ((low - room).clamp(whole.0, whole.1), (high + room).clamp(whole.0, whole.1));
            if low < high { ((low, high), whole) } else { (whole, (whole.0, whole.1.max(whole.0 + 1))) }
        };
        let (x, y) = (range(|p| p.x), range(|p| p.y));
        let inner = (ROOM.0 - 2 * MARGIN, ROOM.1 - 2 * MARGIN);
        let length = |(low, high): (i64, i64)| (high - low).max(1);
        let x = widened(x.0, x.1, length(y.0) * inner.0 / inner.1);
        let y = widened(y.0, y.1, length(x) * inner.1 / inner.0);
        let (wide, high) = (length(x), length(y));
        // The side that fills the room decides the scale.
        let (room, per) = if wide * inner.1 > high * inner.0 { (inner.0, wide) } else { (inner.1, high) };
        let side = |mm: i64| mm * room / per + 2 * MARGIN;
        Self { west: x.0, north: y.1, room, per, width: side(wide), height: side(high) }
    }

    fn place(&self, point: Point) -> (i64, i64) {
        let scaled = |mm: i64| mm * self.room / self.per + MARGIN;
        (scaled(i64::from(point.x) - self.west), scaled(self.north - i64::from(point.y)))
    }

    fn holds(&self, (x, y): (i64, i64)) -> bool {
        (0..=self.width).contains(&x) && (0..=self.height).contains(&y)
    }

    /// All streets as one path. Where there are too many, ends are moved onto a raster until few enough differ.
    fn streets(&self, network: &Network) -> String {
        let mut lines = BTreeSet::new();
        for raster in [1, 5, 10, 20, 40, 80] {
            lines.clear();
            let snapped = |node: u32| {
                let (x, y) = self.place(network.node_point(NodeId(node)));
                (x / raster * raster, y / raster * raster)
            };
            for n in 0..network.edge_count() {
                let (a, b) = (snapped(network.from()[n]), snapped(network.to()[n]));
                let once = network.twin(EdgeId(n as u32)).is_none_or(|twin| twin.0 as usize > n);
                if once && a != b && (self.holds(a) || self.holds(b)) {
                    lines.insert((a.min(b), a.max(b)));
                }
            }
            if lines.len() <= MOST_STREETS {
                break;
            }
        }
        let mut path = String::with_capacity(lines.len() * 18);
        for ((x, y), (to_x, to_y)) in lines {
            let _infallible = write!(path, "M{} {}l{} {}", tenth(x), tenth(y), tenth(to_x - x), tenth(to_y - y));
        }
        path
    }

    /// Pickups as dots, a path for each colour; crosses where nobody was picked up.
    fn pickups(&self, network: &Network, asked: &[Asked], step_s: i64) -> String {
        let mut dots = vec![String::new(); CLASSES];
        let mut crosses = String::new();
        for request in asked {
            let (x, y) = self.place(network.projection().point(request.pickup));
            let _infallible = match request.wait_ms {
                _ if !self.holds((x, y)) => Ok(()),
                Some(wait) => write!(dots[class_of(wait, step_s)], "M{} {}h0", tenth(x), tenth(y)),
                None => write!(crosses, "M{} {}l3 3m0-3l-3 3", tenth(x - 15), tenth(y - 15)),
            };
        }
        let mut text = String::new();
        for (n, path) in dots.iter().enumerate().filter(|(_, path)| !path.is_empty()) {
            let _infallible = write!(text, "<path class=\"dot w{n}\" d=\"{path}\"/>");
        }
        if !crosses.is_empty() {
            let _infallible = write!(text, "<path class=\"lost\" d=\"{crosses}\"/>");
        }
        text
    }

    /// A line of a round length, a quarter of the width at most, in the lower left corner.
    fn scale_bar(&self) -> String {
        let most = self.width / 4;
        let tenths = |metres: i64| metres * 1000 * self.room / self.per;
        let lengths = (0..7).flat_map(|power| [1, 2, 5].map(|n| n * 10_i64.pow(power)));
        let metres = lengths.take_while(|&metres| tenths(metres) <= most).last().unwrap_or(1);
        let name = if metres >= 1000 { format!("{} km", metres / 1000) } else { format!("{metres} m") };
        let (x, y, length) = (MARGIN, self.height - MARGIN, tenths(metres));
        format!(
            "<g class=\"scale\"><path d=\"M{} {}v6h{}v-6\"/><text class=\"note\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{name}</text></g>",
            tenth(x),
            tenth(y - 60),
            tenth(length),
            tenth(x + length / 2),
            tenth(y - 50),
        )
    }
}

/// A part of the span `whole` that holds `part` and is `length` long, or as long as there is room.
fn widened(part: (i64, i64), whole: (i64, i64), length: i64) -> (i64, i64) {
    let more = (length - (part.1 - part.0)).clamp(0, whole.1 - whole.0 - (part.1 - part.0));
    let low = (part.0 - more / 2).max(whole.0).min(whole.1 - (part.1 - part.0) - more);
    (low, low + (part.1 - part.0) + more)
}

/// The least and the greatest of some numbers.
fn span_of(numbers: impl Iterator<Item = i32>) -> Option<(i64, i64)> {
    numbers.map(i64::from).fold(None, |span, n| {
        let (low, high) = span.unwrap_or((n, n));
        Some((low.min(n), high.max(n)))
    })
}

/// Tenths of a pixel as pixels.
fn tenth(length: i64) -> String {
    px(length as f64 / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(waits_s: impl Iterator<Item = i64>) -> Vec<Asked> {
        waits_s
            .map(|wait| Asked { pickup: Coord::default(), dropoff: Coord::default(), wait_ms: Some(wait * 1000) })
            .collect()
    }

    #[test]
    fn colours_reach_over_the_usual_waits() {
        let waits = asked(0..=300);
        let step = step_s(&waits);
        assert_eq!(step, 60);
        assert_eq!(
            [0, 59_999, 60_000, 299_999, 300_000, 9_000_000].map(|wait| class_of(wait, step)),
            [0, 0, 1, 4, 5, 5]
        );
        assert_eq!(legend(90)[1].1, "1:30 – 3:00 min");
        assert_eq!(legend(60)[5].1, "5 min and more");
    }

    #[test]
    fn a_part_grows_into_the_room_there_is() {
        assert_eq!(widened((40, 60), (0, 100), 40), (30, 70));
        assert_eq!(widened((0, 20), (0, 100), 40), (0, 40));
        assert_eq!(widened((80, 100), (0, 100), 40), (60, 100));
        assert_eq!(widened((40, 60), (0, 100), 500), (0, 100));
        assert_eq!(widened((40, 60), (0, 100), 10), (40, 60));
    }

    #[test]
    fn a_sample_reaches_from_the_first_to_near_the_last() {
        let all = asked(0..20_000);
        let some = sample(&all);
        assert_eq!((some.len(), some[0]), (MOST_PICKUPS, all[0]));
        assert!(some[MOST_PICKUPS - 1].wait_ms > Some(19_990_000));
        assert_eq!(sample(&all[..3]), all[..3]);
        assert!(sample(&[]).is_empty());
    }
}
