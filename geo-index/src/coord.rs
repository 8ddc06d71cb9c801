//! Places on the globe and on the flat map of one market.

/// A place on the globe (WGS84), in 1e-7 degrees: about 11 mm of latitude.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Coord {
    /// Latitude in 1e-7 degrees, north positive.
    pub lat: i32,
    /// Longitude in 1e-7 degrees, east positive.
    pub lon: i32,
}

/// A place on the flat map of one network: millimetres east and north of its origin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// Millimetres east of the origin.
    pub x: i32,
    /// Millimetres north of the origin.
    pub y: i32,
}

impl Point {
    /// Squared air-line distance in mm²; exact for points of one map.
    pub fn distance2(self, other: Self) -> u64 {
        let (dx, dy) = (u64::from(self.x.abs_diff(other.x)), u64::from(self.y.abs_diff(other.y)));
        (dx * dx).saturating_add(dy * dy)
    }

    /// Air-line distance in whole millimetres, rounded down.
    pub fn distance_mm(self, other: Self) -> u64 {
        self.distance2(other).isqrt()
    }
}

/// The flat map of one market: equirectangular about an origin, in integers, so that every machine maps alike.
///
/// Within 30 km of the origin's latitude distances are off by less than 0.4 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Projection {
    /// The place that maps to (0, 0).
    pub origin: Coord,
    /// Millimetres east per 1e-7 degree of longitude at the origin's latitude, times 2^20.
    pub east_q20: i32,
}

/// Millimetres north per 1e-7 degree of latitude times 2^20: a sphere of 6,371,008.8 m.
const NORTH_Q20: i64 = 11_659_649; // 6_371_008_800 mm * pi / 180 * 1e-7 * 2^20

impl Projection {
    /// The map about `origin`. The cosine comes from the pure-Rust `libm`: the same bits everywhere.
    pub fn about(origin: Coord) -> Self {
        let radians = f64::from(origin.lat) * 1e-7 * (std::f64::consts::PI / 180.0);
        Self { origin, east_q20: (NORTH_Q20 as f64 * libm::cos(radians)) as i32 }
    }

    /// Where `coord` is on the map. Places farther than 1,000 km north or east clamp to the rim.
    pub fn point(&self, coord: Coord) -> Point {
        let east = ((i64::from(coord.lon) - i64::from(self.origin.lon)) * i64::from(self.east_q20)) >> 20;
        let north = ((i64::from(coord.lat) - i64::from(self.origin.lat)) * NORTH_Q20) >> 20;
        let clamp = |v: i64| v.clamp(-1_000_000_000, 1_000_000_000) as i32;
        Point { x: clamp(east), y: clamp(north) }
    }

    /// The globe's place of a point of the map, within 1e-7 degree of where it came from.
    pub fn coord(&self, point: Point) -> Coord {
        let back = |origin: i32, mm: i32, q20: i64, limit: i64| {
            let steps = ((i64::from(mm) << 20) + q20 / 2).div_euclid(q20.max(1));
            (i64::from(origin) + steps).clamp(-limit, limit) as i32
        };
        Coord {
            lat: back(self.origin.lat, point.y, NORTH_Q20, 900_000_000),
            lon: back(self.origin.lon, point.x, i64::from(self.east_q20), 1_800_000_000),
        }
    }
}
