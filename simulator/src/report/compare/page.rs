//! `compare.html`: every figure of every arm, with a plot of each interval.

use std::fmt::Write as _;

use super::super::page::{card, document, legend};
use super::super::svg::{drawing, escape, px};
use super::{Comparison, Difference, Kpi, Row, Verdict};

/// The page. `what` says what was compared, as the name of the scenario.
pub fn page(what: &str, comparison: &Comparison) -> String {
    let mut body = masthead(what, comparison);
    for (n, arm) in comparison.arms.iter().enumerate().skip(1) {
        body += &arm_card(comparison, n, arm);
    }
    body += "<footer class=\"colophon\"><span>Hansom</span><span>A difference is arm minus baseline on the same seed; the \
             interval is Student's, of 95 %, over the seeds.</span></footer>\n";
    document(&format!("{what}: comparison"), &body)
}

fn masthead(what: &str, comparison: &Comparison) -> String {
    let seeds = match comparison.seeds.as_slice() {
        [] => "none".to_owned(),
        [one] => one.to_string(),
        [first, .., last] => format!("{} from {first} to {last}", comparison.seeds.len()),
    };
    let mut text = format!(
        "<header class=\"masthead\"><p class=\"eyebrow\">Hansom · comparison</p><h1>{}</h1><ul class=\"facts\"><li><b>baseline</b>{}</li><li><b>seeds</b>{seeds}</li></ul>",
        escape(what),
        escape(comparison.arms.first().map_or("", String::as_str)),
    );
    if comparison.seeds.len() < 2 {
        text += "<p class=\"notice\">An interval needs at least two seeds; these are single differences.</p>";
    }
    if !comparison.unpaired.is_empty() {
        let left_out: Vec<String> = comparison.unpaired.iter().map(u64::to_string).collect();
        let _infallible = write!(
            text,
            "<p class=\"notice\">Not every arm has the seeds {}: they are left out.</p>",
            left_out.join(", ")
        );
    }
    text + "</header>\n"
}

fn arm_card(comparison: &Comparison, n: usize, arm: &str) -> String {
    let mut rows = String::new();
    for row in &comparison.rows {
        rows += &row_text(row, n);
    }
    let table = format!(
        "<div class=\"scroll\"><table class=\"figures\"><thead><tr><th>figure</th><th>baseline</th><th>this arm</th><th>difference</th><th>95 % interval</th><th></th><th class=\"plot\">each seed, mean and interval</th></tr></thead><tbody>{rows}</tbody></table></div>"
    );
    let colours = legend([
        ("c-good", "better"),
        ("c-bad", "worse"),
        ("c-ride", "differs"),
        ("c-other", "interval includes zero"),
    ]);
    card("", arm, &colours, &table)
}

fn row_text(row: &Row, n: usize) -> String {
    let Some(difference) = row.differences.get(n - 1) else { return String::new() };
    let kpi = row.kpi;
    let mean =
        |arm: usize| row.means.get(arm).copied().flatten().map_or_else(|| "–".to_owned(), |mean| kpi.shown(mean));
    let unit = kpi.difference_unit();
    let shown = difference
        .mean
        .map_or_else(|| "–".to_owned(), |mean| format!("{} {unit}", kpi.shown_difference(mean)).trim_end().to_owned());
    let interval = difference.interval.map_or_else(
        || "–".to_owned(),
        |(low, high)| format!("{} to {}", kpi.shown_difference(low), kpi.shown_difference(high)),
    );
    let verdict = difference.verdict(kpi);
    let class = class_of(verdict);
    format!(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"verdict {class}\">{shown}</td><td>{interval}</td><td class=\"verdict {class}\">{}</td><td class=\"plot\">{}</td></tr>",
        escape(kpi.name),
        mean(0),
        mean(n),
        verdict.name(),
        plot(kpi, difference, &interval)
    )
}

fn class_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "c-good",
        Verdict::Worse => "c-bad",
        Verdict::Differs => "c-ride",
        Verdict::Open => "c-other",
    }
}

/// The differences as dots and the interval as a bar about zero, which is in the middle.
fn plot(kpi: &Kpi, difference: &Difference, interval: &str) -> String {
    const WIDTH: f64 = 340.0;
    const HEIGHT: f64 = 22.0;
    let Some(mean) = difference.mean else { return String::new() };
    let ends = difference.interval.map_or([mean, mean], |(low, high)| [low, high]);
    let greatest = difference.pairs.iter().chain(&ends).fold(0.0, |most: f64, value| most.max(value.abs()));
    let reach = if greatest > 0.0 { greatest } else { 1.0 };
    let x = |value: f64| WIDTH / 2.0 + value / reach * (WIDTH / 2.0 - 8.0);
    let class = class_of(difference.verdict(kpi));
    let mut content = format!(
        "<path class=\"grid\" d=\"M0 {0}H{1}\"/><path class=\"base\" d=\"M{2} 2V{3}\"/>",
        px(HEIGHT / 2.0),
        px(WIDTH),
        px(WIDTH / 2.0),
        px(HEIGHT - 2.0)
    );
    let mut dots = String::new();
    for &pair in &difference.pairs {
        let _infallible = write!(dots, "M{} {}h0", px(x(pair)), px(HEIGHT / 2.0));
    }
    let _infallible = write!(content, "<path class=\"seed {class}\" d=\"{dots}\"/>");
    if let Some((low, high)) = difference.interval {
        let _infallible = write!(
            content,
            "<path class=\"whisker {class}\" d=\"M{0} {1}H{2}M{0} {3}v8M{2} {3}v8\"/>",
            px(x(low)),
            px(HEIGHT / 2.0),
            px(x(high)),
            px(HEIGHT / 2.0 - 4.0)
        );
    }
    let _infallible = write!(
        content,
        "<circle class=\"fill {class}\" cx=\"{}\" cy=\"{}\" r=\"4.5\"/>",
        px(x(mean)),
        px(HEIGHT / 2.0)
    );
    let describe = format!("Mean {}, interval {interval}.", kpi.shown_difference(mean));
    drawing(WIDTH, HEIGHT, kpi.name, &describe, &content)
}
