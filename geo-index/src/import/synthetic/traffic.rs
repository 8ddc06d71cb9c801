//! How long streets take, by hour.

use super::streets::Class;

/// What the travel time of an edge depends on.
#[derive(Debug)]
pub(super) struct Street {
    pub class: Class,
    pub length_mm: i64,
    /// How far its start is from the middle of the town, in mm.
    pub start_mm: i64,
    /// How far its end is.
    pub end_mm: i64,
    /// What sets it apart from others of its kind: per mille of their time.
    pub pace: i64,
}

/// Share of a street's worst delay by hour, per mille, on weekdays towards the centre, and out of it.
const WEEKDAY: [[i64; 24]; 2] = [
    [30, 10, 0, 0, 10, 80, 350, 820, 1000, 700, 480, 420, 420, 430, 430, 470, 560, 600, 560, 380, 240, 160, 110, 60],
    [40, 20, 10, 0, 0, 30, 120, 330, 430, 400, 390, 410, 440, 450, 470, 620, 850, 1000, 960, 620, 360, 230, 160, 90],
];

/// The same both ways on Saturdays, and on Sundays.
const WEEKEND: [[i64; 24]; 2] = [
    [130, 90, 50, 20, 10, 20, 40, 80, 150, 280, 400, 480, 520, 520, 500, 480, 470, 480, 450, 380, 300, 260, 230, 190],
    [150, 110, 60, 30, 10, 10, 20, 40, 70, 130, 210, 290, 340, 350, 340, 340, 360, 380, 350, 280, 200, 140, 90, 50],
];

/// Times of all `streets` in ms under a weights version, where the centre reaches `centre_m` from the middle.
pub(super) fn times_ms(centre_m: i64, streets: &[Street], version: usize) -> Vec<u32> {
    let (day_type, hour) = (version / 24, version % 24);
    let time = |street: &Street| {
        let load = match day_type {
            0 => WEEKDAY[usize::from(street.end_mm > street.start_mm)][hour],
            _ => WEEKEND[day_type - 1][hour],
        };
        let out = street.start_mm.min(street.end_mm).min(centre_m * 1000);
        let central = 1000 - out / centre_m;
        // Free speed in mm/s, the wait at its end in ms, and the worst delay per mille of both.
        let (speed, wait, delay) = match street.class {
            Class::Side => (7_500, 3_000, 150 + 450 * central / 1000),
            Class::Arterial => (12_500, 2_500, 400 + 800 * central / 1000),
            Class::Bridge => (13_900, 2_500, 3_200),
        };
        let free = street.length_mm * 1000 / speed + wait;
        let time = free * street.pace / 1000 * (1_000_000 + delay * load) / 1_000_000;
        ((time + 50) / 100 * 100).max(500) as u32
    };
    streets.iter().map(time).collect()
}
