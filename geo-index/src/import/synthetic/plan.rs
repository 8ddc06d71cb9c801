//! What each city looks like before chance touches it. Metres east and north of the middle of the centre.

/// The plan of a city: a net of streets, close in the centre and wider towards the edge, with what interrupts it.
#[derive(Debug)]
pub(super) struct Plan {
    /// Streets that run north to south, and which of them passes the middle.
    pub columns: Row,
    /// Streets that run west to east, and which of them passes the middle.
    pub rows: Row,
    /// Distance of neighbouring streets in the middle, how much it grows with each street outwards, and its limit.
    pub spacing_m: (i64, i64, i64),
    /// Every so many streets, counted from the middle, one is an arterial.
    pub arterial_every: i64,
    /// Side streets as near to the middle as this are one-way, in turns.
    pub one_way_m: i64,
    /// How far the centre reaches: traffic thins out until there.
    pub centre_m: i64,
    /// The town ends at an oval: its middle east of the plan's, half its width and half its height.
    pub outline_m: (i64, i64, i64),
    /// How far streets bend to either side on their way, and how long a bend to both sides is.
    pub bend_m: (i64, i64),
    /// A park without streets: west, south, east and north side.
    pub park_m: Option<[i64; 4]>,
    /// A river, if there is one.
    pub river: Option<River>,
}

/// A number of parallel streets.
#[derive(Debug)]
pub(super) struct Row {
    pub count: i64,
    pub middle: i64,
}

/// A river that flows past the centre in the shape of an S.
#[derive(Debug)]
pub(super) struct River {
    /// How far east of the middle it passes.
    pub east_m: i64,
    /// Where it is wide and no street runs, to either side of its middle.
    pub half_width_m: i64,
    /// At a distance y north it is y² / `bend_m` farther east, south as much farther west.
    pub bend_m: i64,
    /// The rows that cross it, counted from the middle.
    pub bridges: [i64; 4],
}

const RIVER_TOWN: Plan = Plan {
    columns: Row { count: 50, middle: 23 },
    rows: Row { count: 49, middle: 24 },
    spacing_m: (95, 6, 240),
    arterial_every: 6,
    one_way_m: 900,
    centre_m: 3_000,
    outline_m: (350, 4_150, 4_000),
    bend_m: (150, 4_700),
    park_m: Some([-1_650, -1_700, -800, -1_050]),
    river: Some(River { east_m: 1_000, half_width_m: 110, bend_m: 14_000, bridges: [-12, 0, 6, 18] }),
};

const SMALL_TOWN: Plan = Plan {
    columns: Row { count: 17, middle: 8 },
    rows: Row { count: 16, middle: 8 },
    spacing_m: (110, 9, 180),
    arterial_every: 5,
    one_way_m: 250,
    centre_m: 800,
    outline_m: (0, 1_150, 1_060),
    bend_m: (45, 1_900),
    park_m: None,
    river: None,
};

impl Plan {
    /// The plan of the city called `name`.
    pub fn of(name: &str) -> Option<&'static Self> {
        match name {
            "river-town" => Some(&RIVER_TOWN),
            "small-town" => Some(&SMALL_TOWN),
            _ => None,
        }
    }

    /// How far a street is from the middle, in mm: the `steps`-th one outwards, negative to the west or south.
    pub fn street_mm(&self, steps: i64) -> i64 {
        let (inner, growth, outer) = self.spacing_m;
        let distance: i64 = (0..steps.abs()).map(|step| (inner + growth * step).min(outer)).sum();
        distance * steps.signum() * 1000
    }

    /// Whether the `steps`-th street from the middle is an arterial.
    pub fn is_arterial(&self, steps: i64) -> bool {
        steps % self.arterial_every == 0
    }

    /// Whether there is room for a crossing: inside of the town, on land and not in the park.
    pub fn is_land(&self, x_mm: i64, y_mm: i64) -> bool {
        let in_park = self.park_m.is_some_and(|[west, south, east, north]| {
            (west * 1000..=east * 1000).contains(&x_mm) && (south * 1000..=north * 1000).contains(&y_mm)
        });
        let in_river =
            self.river.as_ref().is_some_and(|river| river.offset_mm(x_mm, y_mm).abs() <= river.half_width_m * 1000);
        let (middle, half_width, half_height) = self.outline_m;
        let (u, v) = ((x_mm - middle * 1000) / half_width, y_mm / half_height);
        !in_park && !in_river && u * u + v * v <= 1_000_000
    }

    /// Where a place of the plan is once streets have bent, in mm.
    pub fn bent(&self, x_mm: i64, y_mm: i64) -> (i64, i64) {
        let (reach, length) = self.bend_m;
        let bend = |along_mm: i64| reach * wave(along_mm, length * 1000);
        (x_mm + bend(y_mm), y_mm + bend(x_mm))
    }

    /// Whether the river flows between two places.
    pub fn is_across(&self, one: (i64, i64), other: (i64, i64)) -> bool {
        self.river
            .as_ref()
            .is_some_and(|river| (river.offset_mm(one.0, one.1) < 0) != (river.offset_mm(other.0, other.1) < 0))
    }

    /// Whether the `steps`-th row from the middle crosses the river.
    pub fn has_bridge(&self, steps: i64) -> bool {
        self.river.as_ref().is_some_and(|river| river.bridges.contains(&steps))
    }
}

impl River {
    /// How far east of the river's middle a place is, in mm.
    fn offset_mm(&self, x_mm: i64, y_mm: i64) -> i64 {
        x_mm - self.east_m * 1000 - y_mm * y_mm.abs() / (self.bend_m * 1000)
    }
}

/// A smooth wave of this `length` through 0 at 0, per mille: parabolas in place of a sine.
fn wave(at: i64, length: i64) -> i64 {
    let (half, at) = (length / 2, at.rem_euclid(length));
    let along = at % half;
    let height = 4_000 * along * (half - along) / (half * half);
    if at < half { height } else { -height }
}
