//! Travel times on a procedural city: single pairs, one to many, many to many, paths, new weights; Dijkstra beside them.
//!
//! See `docs/decisions/0004-travel-times.md`; `real_data.rs` measures the same on real streets.

mod travel;

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use hansom_geo_index::import::synthetic;

fn river_town(c: &mut Criterion) {
    let network = Arc::new(synthetic::city("river-town", synthetic::DEFAULT_SEED).expect("a city of that name"));
    travel::look_ups(c, "river-town", &network);
    travel::preparation(c, "river-town", &network);
}

criterion_group!(benches, river_town);
criterion_main!(benches);
