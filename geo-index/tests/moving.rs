//! The moving drivers' index against a plain list, after any history.

use hansom_geo_index::Point;
use hansom_geo_index::moving::{Found, Grid, MovingIndex, RTree};
use hansom_geo_index::network::sample;
use proptest::prelude::*;

/// What may happen to a driver.
#[derive(Debug, Clone, Copy)]
enum Step {
    Move(u32, Point),
    Leave(u32),
}

/// Places on a coarse lattice, so that many are equally far, or anywhere; some outside the grid of 2 km × 1 km.
fn place() -> impl Strategy<Value = Point> {
    let lattice = (-12i32..12, -12i32..12).prop_map(|(x, y)| Point { x: x * 131_072, y: y * 65_536 });
    let anywhere = (-1_500_000i32..1_500_000, -1_500_000i32..1_500_000).prop_map(|(x, y)| Point { x, y });
    let far = (any::<bool>(), any::<bool>(), -1_000_000_000i32..1_000_000_000).prop_map(|(north, far, x)| {
        let y = if north { 1_000_000_000 } else { -1_000_000_000 };
        if far { Point { x, y } } else { Point { x: y, y: x } }
    });
    prop_oneof![6 => lattice, 6 => anywhere, 1 => far]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0u32..60, place()).prop_map(|(id, point)| Step::Move(id, point)),
        1 => (0u32..60).prop_map(Step::Leave),
    ]
}

fn grid() -> Grid {
    Grid::new(Point { x: -1_000_000, y: -500_000 }, Point { x: 1_000_000, y: 500_000 })
}

/// The oracle: a list of all, sorted anew for each question.
#[derive(Default)]
struct List(Vec<Option<Point>>);

impl List {
    fn take(&mut self, step: Step) {
        let (id, place) = match step {
            Step::Move(id, point) => (id, Some(point)),
            Step::Leave(id) => (id, None),
        };
        self.0.resize(60, None);
        self.0[id as usize] = place;
    }

    fn ordered(&self, from: Point) -> Vec<Found> {
        let mut all: Vec<Found> =
            self.0.iter().zip(0..).filter_map(|(point, id)| Some(((*point)?.distance2(from), id))).collect();
        all.sort_unstable();
        all
    }
}

fn play(index: &mut impl MovingIndex, steps: &[Step]) {
    for &step in steps {
        match step {
            Step::Move(id, point) => index.update(id, point),
            Step::Leave(id) => drop(index.remove(id)),
        }
    }
}

fn check(index: &impl MovingIndex, list: &List, from: Point, k: usize, radius_mm: u32) -> Result<(), TestCaseError> {
    let all = list.ordered(from);
    let mut out = Vec::new();
    prop_assert_eq!(index.len(), all.len());
    prop_assert_eq!(index.is_empty(), all.is_empty());
    index.nearest(from, u32::MAX, k, |_| true, &mut out);
    prop_assert_eq!(&out[..], &all[..k.min(all.len())]);
    index.within(from, radius_mm, &mut out);
    let limit = u64::from(radius_mm).pow(2);
    let within = &all[..all.partition_point(|&(distance2, _)| distance2 <= limit)];
    prop_assert_eq!(&out[..], within);
    index.nearest(from, radius_mm, k, |id| id % 3 != 0, &mut out);
    let some: Vec<Found> = within.iter().copied().filter(|(_, id)| id % 3 != 0).take(k).collect();
    prop_assert_eq!(&out, &some);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn grid_and_tree_equal_a_sorted_list(
        steps in prop::collection::vec(step(), 0..150),
        from in place(),
        k in 0usize..20,
        radius_mm in prop_oneof![0u32..3_000_000, Just(131_072), Just(u32::MAX)],
    ) {
        let (mut grid, mut tree, mut list) = (grid(), RTree::default(), List::default());
        for &step in &steps {
            list.take(step);
        }
        play(&mut grid, &steps);
        play(&mut tree, &steps);
        check(&grid, &list, from, k, radius_mm)?;
        check(&tree, &list, from, k, radius_mm)?;
        for (id, point) in (0..).zip(&list.0) {
            prop_assert_eq!(grid.get(id), *point);
        }
    }

    #[test]
    fn answers_depend_on_the_set_and_not_on_its_history(
        steps in prop::collection::vec(step(), 0..150),
        later in prop::collection::vec(step(), 0..30),
        from in place(),
        k in 1usize..20,
    ) {
        let mut long = grid();
        play(&mut long, &steps);
        let mut fresh = grid();
        for id in (0..60).rev() {
            if let Some(point) = long.get(id) {
                fresh.update(id, point);
            }
        }
        let mut copy = long.clone();
        play(&mut long, &later);
        play(&mut copy, &later);
        play(&mut fresh, &later);
        let mut answers = [Vec::new(), Vec::new(), Vec::new()];
        for (index, out) in [&long, &copy, &fresh].into_iter().zip(&mut answers) {
            index.nearest(from, u32::MAX, k, |_| true, out);
        }
        prop_assert_eq!(&answers[0], &answers[1]);
        prop_assert_eq!(&answers[0], &answers[2]);
    }
}

#[test]
fn a_tie_at_the_last_rank_goes_to_the_lower_id() {
    let mut grid = grid();
    for (id, x) in [(9, 200_000), (4, -200_000), (7, 200_000), (2, 900_000)] {
        grid.update(id, Point { x, y: 0 });
    }
    let mut out = Vec::new();
    grid.nearest(Point::default(), u32::MAX, 2, |_| true, &mut out);
    assert_eq!(out, [(40_000_000_000, 4), (40_000_000_000, 7)]);
}

#[test]
fn a_grid_over_a_network_has_cells_of_its_size() {
    let town = sample::grid(30, 20, 150_000, 20_000);
    let mut grid = Grid::over(&town);
    let centre = town.node_point(hansom_geo_index::NodeId(315));
    for node in 0..600 {
        grid.update(node, town.node_point(hansom_geo_index::NodeId(node)));
    }
    let mut out = Vec::new();
    grid.within(centre, 160_000, &mut out);
    let mut ids: Vec<u32> = out.iter().map(|found| found.1).collect();
    ids.sort_unstable();
    assert_eq!((out[0], ids), ((0, 315), vec![285, 314, 315, 316, 345]));
}

#[test]
fn removing_twice_says_so() {
    let mut grid = grid();
    grid.update(3, Point { x: 5, y: 5 });
    assert!(grid.remove(3));
    assert!(!grid.remove(3) && !grid.remove(1_000));
    assert!(grid.is_empty());
}
