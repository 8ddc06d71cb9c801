//! What users see: tables on stdout; notes, problems and progress on stderr.

use std::io::{self, IsTerminal, Write};

use clap::builder::styling::{AnsiColor, Style};
use hansom_simulator::Progress;
use hansom_simulator::report::number::{fixed, grouped, percent};
use hansom_simulator::scenario::Timezone;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// Prints to stdout.
pub fn result(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints a line to stderr.
pub fn note(text: &str) {
    // Nowhere is left to say so if stderr is closed.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints something that is wrong, and what to do about it, to stderr.
pub fn problem(code: &str, text: &str, hint: &str) {
    let (error, help) = if colour() { (ERROR, HINT) } else { (Style::new(), Style::new()) };
    note(&format!("{error}error[{code}]{error:#}: {text}\n{help}hint{help:#}: {hint}"));
}

/// Whether stderr shows colours: it is a terminal, and the user has not asked for none.
fn colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// `text` in lines of at most `width` characters, broken between words.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => line.extend([" ", word]),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Rows of text in aligned columns, two blanks apart; lines carry no blanks at their end.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<bool>,
}

impl Table {
    /// An empty table; `right` says for each column whether it is aligned to the right, the others are not.
    pub fn new(right: Vec<bool>) -> Self {
        Self { rows: Vec::new(), right }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.cells(cells.map(str::to_owned).into());
    }

    /// Adds a row of as many cells as there are.
    pub fn cells(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table as text, each line ended.
    pub fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |n: usize| self.rows.iter().filter_map(|row| row.get(n)).map(|c| c.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|n| width(n).unwrap_or(0)).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (n, cell) in row.iter().enumerate() {
                let room = " ".repeat(widths[n] - cell.chars().count());
                let (before, after) =
                    if self.right.get(n) == Some(&true) { (room.as_str(), "") } else { ("", room.as_str()) };
                line.extend([if n > 0 { "  " } else { "" }, before, cell, after]);
            }
            text.extend([line.trim_end(), "\n"]);
        }
        text
    }
}

/// One JSON object, on lines of its own.
pub fn json(value: &impl Serialize) -> String {
    // Our own structs of numbers and texts have no keys that JSON could not hold.
    let mut text = serde_json::to_string_pretty(value).expect("structs of numbers and texts become JSON");
    text.push('\n');
    text
}

/// How far a run is, on stderr if that is a terminal.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar at zero; a `quiet` one is never seen.
    pub fn new(quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), target(quiet));
        bar.set_style(style("{prefix}  {bar:32}  {percent:>3} %  {msg}"));
        Self { bar }
    }

    /// Simulated time, speed, open requests and the share that was served of those that are over.
    pub fn show(&self, progress: &Progress, zone: &Timezone) {
        let Progress { at, start, end, requests, open, completed } = *progress;
        self.bar.set_length((end - start).0.max(1) as u64);
        self.bar.set_position((at - start).0.clamp(0, (end - start).0) as u64);
        let speed = (at - start).0 as f64 / 1000.0 / self.bar.elapsed().as_secs_f64().max(1e-3);
        let over = requests.saturating_sub(open);
        let served = if over > 0 { percent(completed as f64 / over as f64) } else { "–".to_owned() };
        self.bar.set_prefix(zone.stamp(at).get(..16).unwrap_or_default().replace('T', " "));
        self.bar.set_message(format!("{} ×  {} open  {served} served", fixed(speed, 0), grouped(open as i64)));
    }

    /// Takes it off the screen.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// How many runs of many are made, on stderr if that is a terminal.
#[derive(Debug)]
pub struct Count {
    bar: ProgressBar,
}

impl Count {
    /// None of `runs`; a `quiet` one is never seen.
    pub fn new(runs: usize, quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(runs as u64), target(quiet));
        bar.set_style(style("{bar:32}  {pos} of {len} runs  {eta} to go"));
        bar.tick();
        Self { bar }
    }

    /// One more is made.
    pub fn one_more(&self) {
        self.bar.inc(1);
    }

    /// Takes it off the screen.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn target(quiet: bool) -> ProgressDrawTarget {
    if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is well-formed").progress_chars("━╸┈")
}
