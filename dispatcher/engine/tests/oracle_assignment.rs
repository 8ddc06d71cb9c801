//! The assignment solver against slow, obvious oracles: every assignment tried, and successive shortest paths by
//! Bellman–Ford. The same matching where the oracle can tell it, the same total everywhere, and a proof each time.

use hansom_engine::assignment::{
    COST_LIMIT, Instance, InstanceError, Method, NotOptimal, Solution, Solver, VERTEX_LIMIT, prove, reduced_cost,
};
use proptest::prelude::*;

/// A row as it is asked for: its penalty, its arcs.
type Row = (i64, Vec<(u32, i64)>);

/// Columns, and rows.
type Question = (u32, Vec<Row>);

fn instance((columns, rows): &Question) -> Instance {
    let mut instance = Instance::new(*columns);
    for (unserved, arcs) in rows {
        instance.push_row(*unserved, arcs.iter().copied()).expect("strategies keep to the limits");
    }
    instance
}

/// Costs of several kinds: nearly all equal, few values, spread, negative ones, and at the limit of the range.
fn costs() -> impl Strategy<Value = (std::ops::Range<i64>, std::ops::Range<i64>)> {
    prop_oneof![
        Just((3..5, 3..6)),
        Just((0..4, 0..6)),
        Just((0..1_000, 300..1_500)),
        Just((0..2_000_000, 1_800_000..4_000_000)),
        Just((-50..50, -20..60)),
        Just((COST_LIMIT - 4..COST_LIMIT, COST_LIMIT - 3..COST_LIMIT)),
        Just((-COST_LIMIT + 1..-COST_LIMIT + 6, COST_LIMIT - 6..COST_LIMIT)),
        Just((-COST_LIMIT + 1..COST_LIMIT, -COST_LIMIT + 1..COST_LIMIT)),
    ]
}

/// Up to `most` rows and columns, arcs from none to all pairs and beyond: repeated ones are meant.
fn question(most: u32, arcs_most: usize) -> impl Strategy<Value = Question> {
    (1..=most, 0..=most as usize, costs()).prop_flat_map(move |(columns, rows, (cost, unserved))| {
        let arcs = prop::collection::vec((0..columns, cost), 0..=arcs_most);
        (Just(columns), prop::collection::vec((unserved, arcs), rows))
    })
}

/// Every row has an arc to every column of a window, as vehicles at one stand: a tie in every direction.
fn crowd(most: u32) -> impl Strategy<Value = Question> {
    (1..=most, 0..=most as usize).prop_flat_map(|(columns, rows)| {
        let row = (0..2_i64, 0..columns, 1..=columns).prop_map(move |(spare, first, count)| {
            (10 + spare, (first..columns.min(first + count)).map(|column| (column, 10)).collect())
        });
        (Just(columns), prop::collection::vec(row, rows))
    })
}

/// Tries every assignment, in the order of the promise: rows in order, columns rising, unserved last. The first of the
/// cheapest is the answer.
fn exhaustive(instance: &Instance) -> (i64, Vec<Option<u32>>) {
    struct Best {
        total: i64,
        choice: Vec<Option<u32>>,
    }
    fn descend(instance: &Instance, used: u64, total: i64, choice: &mut Vec<Option<u32>>, best: &mut Option<Best>) {
        let row = choice.len();
        if row == instance.rows() {
            if best.as_ref().is_none_or(|best| total < best.total) {
                *best = Some(Best { total, choice: choice.clone() });
            }
            return;
        }
        for column in (0..instance.columns()).filter(|column| used & 1 << column == 0) {
            if let Some(cost) = instance.cost(row, column) {
                choice.push(Some(column));
                descend(instance, used | 1 << column, total + cost, choice, best);
                choice.pop();
            }
        }
        choice.push(None);
        descend(instance, used, total + instance.unserved(row), choice, best);
        choice.pop();
    }
    let mut best = None;
    descend(instance, 0, 0, &mut Vec::new(), &mut best);
    best.map(|best| (best.total, best.choice)).expect("serving nobody is an assignment")
}

/// The least total by successive shortest paths, each by Bellman–Ford over the whole residual network: a row at a time,
/// from the row to a free column or to any row that is left unserved instead.
fn successive_shortest_paths(instance: &Instance) -> i64 {
    let (rows, columns) = (instance.rows(), instance.columns() as usize);
    let mut serves: Vec<Option<usize>> = vec![None; columns];
    for start in 0..rows {
        let mut to_row = vec![i64::MAX; rows];
        let mut to_column = vec![i64::MAX; columns];
        let mut from = vec![usize::MAX; columns];
        to_row[start] = 0;
        let mut changed = true;
        while changed {
            changed = false;
            for row in (0..rows).filter(|&row| to_row[row] < i64::MAX).collect::<Vec<_>>() {
                for (column, cost) in instance.row(row) {
                    let column = column as usize;
                    if serves[column] != Some(row) && to_row[row] + cost < to_column[column] {
                        to_column[column] = to_row[row] + cost;
                        from[column] = row;
                        changed = true;
                        if let Some(served) = serves[column] {
                            let undone = instance.cost(served, column as u32).expect("it serves it");
                            to_row[served] = to_column[column] - undone;
                        }
                    }
                }
            }
        }
        let free = (0..columns).filter(|&column| serves[column].is_none()).map(|column| (to_column[column], column));
        let free = free.filter(|end| end.0 < i64::MAX).min();
        let unserved =
            (0..rows).filter(|&row| to_row[row] < i64::MAX).map(|row| (to_row[row] + instance.unserved(row), row));
        let unserved = unserved.min().expect("the start itself may stay unserved");
        let mut open = match free {
            Some((cost, column)) if cost <= unserved.0 => Some(column),
            _ => {
                let column = (0..columns).find(|&column| serves[column] == Some(unserved.1));
                column.inspect(|&column| serves[column] = None)
            }
        };
        while let Some(column) = open {
            let row = from[column];
            open = (0..columns).find(|&other| serves[other] == Some(row));
            if let Some(other) = open {
                serves[other] = None;
            }
            serves[column] = Some(row);
        }
    }
    (0..rows)
        .map(|row| match serves.iter().position(|&served| served == Some(row)) {
            Some(column) => instance.cost(row, column as u32).expect("it serves it"),
            None => instance.unserved(row),
        })
        .sum()
}

/// The bound on work that the solver states, in arcs looked at.
fn work_bound(instance: &Instance) -> u64 {
    let (rows, columns, arcs) = (instance.rows() as u64, u64::from(instance.columns()), instance.arcs() as u64);
    80_000 + 140 * arcs + 5 * (rows + columns) * (rows + arcs)
}

/// What each method answers, proved, by a fresh solver and by one that has solved other things before.
fn solutions(used: &mut Solver, instance: &Instance) -> Vec<Solution> {
    let solve = |method| {
        let mut solver = Solver::new(method);
        let solution = solver.solve(instance);
        assert!(solver.work() <= work_bound(instance));
        solution
    };
    let mut solutions: Vec<_> = [Method::Adaptive, Method::Paths, Method::Auction].map(solve).into();
    solutions.push(used.solve(instance));
    for solution in &solutions {
        let proof = prove(instance, solution).expect("the solver's answer is optimal");
        assert_eq!(proof.total, solution.total);
        assert_eq!(proof.served, solution.row_to_col.iter().flatten().count());
    }
    assert_eq!(solutions[0], solutions[3], "what a solver solved before changes nothing");
    solutions
}

/// A failing instance is printed whole and becomes a test of its own; no file keeps its seed.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(20_000))]

    #[test]
    fn small_instances_get_the_first_of_the_cheapest_assignments(questions in prop::collection::vec(question(6, 8), 1..3)) {
        let mut used = Solver::default();
        for question in &questions {
            let instance = instance(question);
            let (total, choice) = exhaustive(&instance);
            for solution in solutions(&mut used, &instance) {
                prop_assert_eq!(solution.total, total);
                prop_assert_eq!(&solution.row_to_col, &choice);
            }
        }
    }

    #[test]
    fn crowds_get_the_first_of_the_cheapest_assignments(question in crowd(6)) {
        let instance = instance(&question);
        let (total, choice) = exhaustive(&instance);
        for solution in solutions(&mut Solver::default(), &instance) {
            prop_assert_eq!(solution.total, total);
            prop_assert_eq!(&solution.row_to_col, &choice);
        }
    }

    /// Forcing a pair: the total of the best assignment that has it, and never less than the reduced cost says.
    #[test]
    fn forcing_a_pair_costs_what_trying_everything_says(question in question(5, 6), row in 0..5_usize, column in 0..5_u32) {
        let whole = instance(&question);
        let mut solver = Solver::default();
        if row >= whole.rows() {
            return Ok(());
        }
        let forced = solver.forced_total(&whole, row, column);
        let solution = solver.solve(&whole);
        let Some(cost) = whole.cost(row, column) else {
            prop_assert_eq!(forced, None);
            prop_assert_eq!(reduced_cost(&whole, &solution, row, column), None);
            return Ok(());
        };
        // Only the forced arc is left to the row, and no other row may use its column.
        let mut only = question.clone();
        for (other, (_, arcs)) in only.1.iter_mut().enumerate() {
            arcs.retain(|arc| other != row && arc.0 != column);
        }
        let rest = exhaustive(&instance(&only)).0 - whole.unserved(row);
        prop_assert_eq!(forced, Some(rest + cost));
        let bound = reduced_cost(&whole, &solution, row, column).expect("the pair has an arc");
        prop_assert!(bound >= 0 || cost > whole.unserved(row));
        prop_assert!(solution.total + bound <= rest + cost);
        if solution.row_to_col[row] == Some(column) {
            prop_assert_eq!(bound, 0);
            prop_assert_eq!(forced, Some(solution.total));
        }
    }

    /// No part of a proof may be missing: any one number changed is found.
    #[test]
    fn a_changed_solution_is_not_proved(question in question(6, 8), part in 0..4, at in 0..6_usize, by in prop_oneof![-3..0_i64, 1..4_i64]) {
        let instance = instance(&question);
        let mut solution = Solver::default().solve(&instance);
        let (rows, columns) = (solution.row_dual.len(), solution.col_dual.len());
        match part {
            0 => solution.total += by,
            1 if rows > 0 => solution.row_dual[at % rows] += by,
            2 => solution.col_dual[at % columns] += by,
            3 if rows > 0 => {
                let row = &mut solution.row_to_col[at % rows];
                *row = if row.is_some() { None } else { Some(at as u32 % instance.columns()) };
                // A tie may make the changed matching optimal too; its total then tells.
                solution.total += by;
            }
            _ => return Ok(()),
        }
        prop_assert!(prove(&instance, &solution).is_err());
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    /// Up to 40 × 40, sparse to dense, either side scarce.
    #[test]
    fn middling_instances_cost_what_shortest_paths_say(
        questions in prop::collection::vec(prop_oneof![question(40, 6), question(40, 40), crowd(40)], 1..3),
    ) {
        let mut used = Solver::default();
        for question in &questions {
            let instance = instance(question);
            let total = successive_shortest_paths(&instance);
            let solutions = solutions(&mut used, &instance);
            for solution in &solutions {
                prop_assert_eq!(solution.total, total);
                prop_assert_eq!(&solution.row_to_col, &solutions[0].row_to_col);
            }
        }
    }

    /// The promise on ties, checked pair by pair: no earlier choice could be had at the same total.
    #[test]
    fn each_row_has_the_lowest_column_that_it_can_have(question in prop_oneof![question(12, 8), crowd(12)]) {
        let whole = instance(&question);
        let solution = Solver::default().solve(&whole);
        let mut rest = question.clone();
        let mut left = solution.total;
        for row in 0..whole.rows() {
            let chosen = solution.row_to_col[row];
            let arcs = std::mem::take(&mut rest.1[row].1);
            rest.1[row].0 = 0;
            for (column, _) in arcs.into_iter().filter(|arc| chosen.is_none_or(|chosen| arc.0 < chosen)) {
                let mut without = rest.clone();
                without.1.iter_mut().for_each(|(_, arcs)| arcs.retain(|arc| arc.0 != column));
                let cost = whole.cost(row, column).expect("it is one of the row's arcs");
                prop_assert!(successive_shortest_paths(&instance(&without)) + cost > left);
            }
            match chosen {
                Some(column) => {
                    rest.1.iter_mut().for_each(|(_, arcs)| arcs.retain(|arc| arc.0 != column));
                    left -= whole.cost(row, column).expect("a chosen pair has an arc");
                }
                None => left -= whole.unserved(row),
            }
        }
        prop_assert_eq!(left, 0);
    }

    /// The order in which a row's arcs are given, and repeated dearer ones, do not matter.
    #[test]
    fn the_order_of_arcs_does_not_matter(question in question(20, 12), turn in 0..12_usize) {
        let mut other = question.clone();
        for (_, arcs) in &mut other.1 {
            let turn = turn.min(arcs.len());
            arcs.rotate_left(turn);
            let dearer: Vec<_> = arcs.iter().map(|&(column, cost)| (column, (cost + 1).min(COST_LIMIT - 1))).collect();
            arcs.extend(dearer);
        }
        let mut solver = Solver::default();
        let (one, two) = (solver.solve(&instance(&question)), solver.solve(&instance(&other)));
        prop_assert_eq!(one.row_to_col, two.row_to_col);
        prop_assert_eq!(one.total, two.total);
    }
}

/// Large enough for paths to get long, so that the solver that adapts goes over to the auction: riders and drivers on a
/// plane, as many of the one as of the other, or with half of the riders and few of the drivers in one corner.
#[test]
fn a_large_instance_is_proved_and_does_not_depend_on_the_method() {
    const SIDE: u64 = 20_000;
    let mut state = 1_u64;
    let mut below = |bound: u64| {
        // Knuth's MMIX generator; its upper bits.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    for (riders, drivers, cornered) in [(1_000, 1_000, 0), (1_200, 1_400, 600), (1_500, 1_000, 0)] {
        let mut place =
            |corner: bool| if corner { [below(SIDE / 8), below(SIDE / 8)] } else { [below(SIDE), below(SIDE)] };
        let drivers: Vec<_> = (0..drivers).map(|driver| place(driver % 8 == 0)).collect();
        let mut instance = Instance::new(drivers.len() as u32);
        for rider in 0..riders {
            let [x, y] = place(rider < cornered);
            let cost =
                |(driver, &[to_x, to_y]): (u32, &[u64; 2])| ((x.abs_diff(to_x) + y.abs_diff(to_y)) as i64, driver);
            let mut near: Vec<_> = (0..).zip(&drivers).map(cost).collect();
            near.sort_unstable();
            let arcs = near[..20].iter().map(|&(cost, driver)| (driver, cost));
            instance.push_row(30_000, arcs).expect("within the limits");
        }
        let solutions = solutions(&mut Solver::default(), &instance);
        assert!(solutions.iter().all(|solution| solution.row_to_col == solutions[0].row_to_col));
        let work = |method| {
            let mut solver = Solver::new(method);
            solver.solve(&instance);
            solver.work()
        };
        assert!(work(Method::Adaptive) > work(Method::Auction), "the paths were given up");
    }
}

#[test]
fn nothing_to_do_is_done() {
    for columns in [0, 3] {
        let mut instance = Instance::new(columns);
        assert_eq!(Solver::default().solve(&instance).total, 0);
        instance.push_row(7, []).expect("a row without arcs is a row");
        let solution = Solver::default().solve(&instance);
        assert_eq!((solution.total, solution.row_to_col.as_slice()), (7, &[None][..]));
        prove(&instance, &solution).expect("serving nobody is optimal");
    }
}

#[test]
fn an_arc_as_dear_as_the_penalty_serves_and_a_dearer_one_does_not() {
    let served = |cost| {
        let mut instance = Instance::new(1);
        instance.push_row(10, [(0, cost)]).expect("within the limits");
        Solver::default().solve(&instance).row_to_col[0]
    };
    assert_eq!((served(10), served(11)), (Some(0), None));
}

#[test]
fn a_row_out_of_range_is_refused_and_leaves_the_instance_alone() {
    let mut instance = Instance::new(2);
    instance.push_row(5, [(1, 3)]).expect("within the limits");
    let before = instance.clone();
    let row = 1;
    assert_eq!(instance.push_row(5, [(0, 1), (2, 1)]), Err(InstanceError::NoSuchColumn { row, column: 2, columns: 2 }));
    for cost in [COST_LIMIT, -COST_LIMIT, i64::MAX, i64::MIN] {
        let refused = Err(InstanceError::CostOutOfRange { row, cost });
        assert_eq!(instance.push_row(cost, []), refused);
        assert_eq!(instance.push_row(5, [(0, 1), (1, cost)]), refused);
    }
    assert_eq!(instance, before);
    instance.reset(VERTEX_LIMIT - 1);
    assert_eq!((instance.rows(), instance.arcs()), (0, 0));
}

#[test]
fn each_fault_of_a_solution_is_named() {
    let mut instance = Instance::new(2);
    instance.push_row(10, [(0, 4), (1, 6)]).expect("within the limits");
    instance.push_row(10, [(0, 3)]).expect("within the limits");
    let solution = Solver::default().solve(&instance);
    assert_eq!(solution.row_to_col, [Some(1), Some(0)]);
    assert_eq!(solution.total, 9);
    let fault = |change: fn(&mut Solution)| {
        let mut changed = solution.clone();
        change(&mut changed);
        prove(&instance, &changed).expect_err("the solution was changed")
    };
    assert_eq!(fault(|s| s.col_dual.push(0)), NotOptimal::OtherInstance);
    assert_eq!(fault(|s| s.row_to_col[1] = Some(1)), NotOptimal::NoSuchArc { row: 1, column: 1 });
    assert_eq!(fault(|s| s.total = 8), NotOptimal::TotalsDiffer { stated: 8, primal: 9, dual: 9 });
    assert_eq!(fault(|s| s.row_dual[0] = 11), NotOptimal::RowDualTooHigh { row: 0 });
    assert!(matches!(
        fault(|s| s.row_dual[1] += 1),
        NotOptimal::NegativeReducedCost { row: 1, column: 0, reduced_cost: -1 }
    ));
    assert_eq!(fault(|s| s.row_dual[1] -= 1), NotOptimal::RowNotTight { row: 1 });
    let swapped = Solution { row_to_col: vec![Some(0), Some(0)], row_dual: vec![4, 3], col_dual: vec![0, 0], total: 7 };
    assert_eq!(prove(&instance, &swapped), Err(NotOptimal::ServesTwice { column: 0, row: 1 }));
    let idle = Solution { row_to_col: vec![None, None], row_dual: vec![10, 10], col_dual: vec![7, 4], total: 20 };
    assert_eq!(prove(&instance, &idle), Err(NotOptimal::ColumnNotTight { column: 0 }));
    let negative = Solution { row_dual: vec![3, 2], col_dual: vec![-1, -3], ..solution.clone() };
    assert_eq!(prove(&instance, &negative), Err(NotOptimal::ColumnDualNegative { column: 0 }));
}
