//! Procedural cities: drawn from a seed by integer arithmetic, the same to the last bit on every machine.
//!
//! | name | what it is |
//! | --- | --- |
//! | `river-town` | about 2,000 crossings, 8 km across. A dense centre of one-way streets around 48° N 11° E, a park in its south-west, a river 1 km east of it with four bridges, and homes beyond. Arterials are faster than side streets, and jam. |
//! | `small-town` | about 200 crossings, 2 km across, around the same place, with a few one-way streets and no river. |
//!
//! Both have travel times for weekday, Saturday and Sunday by hour. On weekdays the way to the centre is slowest at 8, the
//! way out of it from 17 to 18; bridges jam hardest. Times are multiples of 100 ms.

mod plan;
mod streets;
mod traffic;

use plan::Plan;

use crate::import::clean;
use crate::network::Network;

/// The cities, by name.
pub const NAMES: [&str; 2] = ["river-town", "small-town"];

/// The seed of the city that everybody means who names no other.
pub const DEFAULT_SEED: u64 = 1;

/// A name that is none of [`NAMES`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no procedural city `{given}`; there are {}", NAMES.join(" and "))]
pub struct UnknownCity {
    /// The name.
    pub given: String,
}

/// The city called `name` as `seed` draws it: another seed, other street corners in the same plan.
///
/// ```
/// use hansom_geo_index::import::synthetic;
/// let town = synthetic::city("small-town", synthetic::DEFAULT_SEED)?;
/// assert_eq!(town.version_count(), 72);
/// assert!(synthetic::city("smalltown", 1).is_err());
/// # Ok::<(), synthetic::UnknownCity>(())
/// ```
pub fn city(name: &str, seed: u64) -> Result<Network, UnknownCity> {
    let plan = Plan::of(name).ok_or_else(|| UnknownCity { given: name.into() })?;
    let mut parts = streets::lay(plan, seed);
    parts.name = match seed {
        DEFAULT_SEED => name.into(),
        _ => format!("{name} (seed {seed})"),
    };
    let (network, _) =
        clean::network(parts).expect("every plan has streets, and every table is filled beside its edge");
    Ok(network)
}

/// What a draw decides; the same crossing draws independently for each.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    CornerEast = 1,
    CornerNorth,
    Gap,
    Detour,
    Pace,
}

/// An integer from 0 to `below` - 1, decided by the seed, the purpose and the crossing or edge with number `item` alone.
fn draw(seed: u64, purpose: Purpose, item: u64, below: u32) -> i64 {
    let key = crate::mixer::mix(seed ^ crate::mixer::mix(item << 8 | purpose as u64));
    ((u128::from(key) * u128::from(below)) >> 64) as i64
}
