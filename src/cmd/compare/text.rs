//! A comparison as tables.

use std::path::Path;

use hansom_simulator::report::compare::Comparison;

use crate::show::Table;

/// A table for each arm against the baseline.
pub fn tables(name: &str, comparison: &Comparison, page: Option<&Path>) -> String {
    let seeds = match comparison.seeds.as_slice() {
        [one] => format!("seed {one}"),
        [first, .., last] => format!("{} seeds from {first} to {last}", comparison.seeds.len()),
        [] => "no seeds".to_owned(),
    };
    let mut text = format!("{name}: {seeds}\nbaseline: {}\n", comparison.arms[0]);
    for (n, arm) in comparison.arms.iter().enumerate().skip(1) {
        text += &format!("\n{arm}\n{}", arm_table(comparison, n));
    }
    text += "\nA difference is arm minus baseline on the same seed, its interval Student's of 95 %.\n";
    if comparison.seeds.len() < 2 {
        text += "An interval needs at least two seeds: `--seeds 1..10`.\n";
    }
    if !comparison.unpaired.is_empty() {
        let seeds: Vec<String> = comparison.unpaired.iter().map(u64::to_string).collect();
        text += &format!("Left out, as not every arm has them: seeds {}.\n", seeds.join(", "));
    }
    match page {
        Some(page) => text += &format!("page: {}\n", page.display()),
        None => text += "`--out DIR` writes a page with plots.\n",
    }
    text
}

fn arm_table(comparison: &Comparison, n: usize) -> String {
    let mut table = Table::new(vec![false, true, true, true, false, true, false]);
    table.row(["", "baseline", "arm", "difference", "", "95 % interval", ""]);
    for row in &comparison.rows {
        let (kpi, difference) = (row.kpi, &row.differences[n - 1]);
        let mean = |arm: usize| row.means[arm].map_or_else(|| "–".to_owned(), |mean| kpi.shown(mean));
        let shown = difference.mean.map_or_else(|| "–".to_owned(), |mean| kpi.shown_difference(mean));
        let interval = difference.interval.map_or_else(
            || "–".to_owned(),
            |(low, high)| format!("{} to {}", kpi.shown_difference(low), kpi.shown_difference(high)),
        );
        let verdict = difference.verdict(kpi).name();
        table.row([kpi.name, &mean(0), &mean(n), &shown, kpi.difference_unit(), &interval, verdict]);
    }
    table.text()
}
