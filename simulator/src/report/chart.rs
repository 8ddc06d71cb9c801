//! Charts of values over time, and of how often values occur.

use std::fmt::Write as _;

use super::axis::{Clock, Scale, Unit};
use super::number::{grouped, span};
use super::svg::{drawing, escape, hit, px};

/// Values of one kind, drawn in one colour.
#[derive(Debug, Clone)]
pub(super) struct Layer<'a> {
    /// What they are.
    pub name: &'a str,
    /// The style's class of their colour.
    pub class: &'a str,
    /// One for each bin; none where there is nothing to say.
    pub values: Vec<Option<f64>>,
}

/// How layers are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Columns on top of each other.
    Columns,
    /// Areas on top of each other.
    Areas,
    /// A line each, from zero.
    Lines,
}

/// A chart over time.
#[derive(Debug)]
pub(super) struct OverTime<'a> {
    /// What it shows.
    pub title: &'a str,
    /// The same for those who do not see it, with its main figures.
    pub describe: String,
    /// Its bins.
    pub clock: &'a Clock<'a>,
    /// What its values are.
    pub unit: Unit,
    /// How they are drawn.
    pub look: Look,
    /// The lowest first.
    pub layers: Vec<Layer<'a>>,
    /// An instant to mark, with what it is.
    pub mark: Option<(hansom_geo_index::Millis, &'a str)>,
}

/// The room around what is plotted, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub width: f64,
    pub height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

pub(super) const WIDE: Frame = Frame { width: 1120.0, height: 220.0, left: 60.0, right: 12.0, top: 14.0, bottom: 26.0 };
const HALF: Frame = Frame { width: 430.0, height: 240.0, left: 40.0, right: 12.0, top: 34.0, bottom: 26.0 };

impl Frame {
    pub fn x(&self, part: f64) -> f64 {
        self.left + part * (self.width - self.left - self.right)
    }

    pub fn y(&self, part: f64) -> f64 {
        self.height - self.bottom - part * (self.height - self.top - self.bottom)
    }

    /// Lines across at the ticks of the axis on the left, and what is written at them.
    pub fn grid(&self, scale: &Scale) -> String {
        let mut text = String::new();
        for (value, label) in &scale.ticks {
            let (x, y) = (px(self.left), px(self.y(scale.part(*value))));
            let class = if *value == 0.0 { "base" } else { "grid" };
            let _infallible = write!(
                text,
                "<path class=\"{class}\" d=\"M{x} {y}H{}\"/><text class=\"tick\" x=\"{}\" y=\"{y}\" dy=\".32em\" text-anchor=\"end\">{}</text>",
                px(self.width - self.right),
                px(self.left - 8.0),
                escape(label)
            );
        }
        text
    }

    /// What is written below the plot at `x`.
    pub fn below(&self, x: f64, label: &str) -> String {
        let y = self.y(0.0);
        format!(
            "<path class=\"base\" d=\"M{0} {1}v4\"/><text class=\"tick\" x=\"{0}\" y=\"{2}\" text-anchor=\"middle\">{3}</text>",
            px(x),
            px(y),
            px(y + 17.0),
            escape(label)
        )
    }
}

impl OverTime<'_> {
    /// The drawing.
    pub fn draw(&self) -> String {
        let frame = WIDE;
        let scale = Scale::up_to(self.greatest(), self.unit);
        let mut content = frame.grid(&scale);
        for (at, label) in self.clock.ticks() {
            content += &frame.below(frame.x(self.clock.part(at)), &label);
        }
        content += &match self.look {
            Look::Columns => self.columns(frame, &scale),
            Look::Areas => self.areas(frame, &scale),
            Look::Lines => self.lines(frame, &scale),
        };
        if let Some((at, name)) = self.mark {
            let x = frame.x(self.clock.part(at));
            let _infallible = write!(
                content,
                "<path class=\"mark\" d=\"M{0} {1}V{2}\"/><text class=\"note\" x=\"{3}\" y=\"{4}\" text-anchor=\"end\">{5}</text>",
                px(x),
                px(frame.y(0.0)),
                px(frame.y(1.0)),
                px(x - 5.0),
                px(frame.y(1.0) + 9.0),
                escape(name)
            );
        }
        content += &self.hits(frame);
        drawing(frame.width, frame.height, self.title, &self.describe, &content)
    }

    fn bins(&self) -> f64 {
        self.clock.count.max(1) as f64
    }

    fn greatest(&self) -> f64 {
        let of = |n: usize| {
            let values = self.layers.iter().filter_map(|layer| layer.values.get(n).copied().flatten());
            if self.look == Look::Lines { values.fold(0.0, f64::max) } else { values.sum() }
        };
        (0..self.clock.count).map(of).fold(0.0, f64::max)
    }

    /// Where each layer ends in each bin, from below.
    fn stack(&self) -> Vec<Vec<f64>> {
        let mut below = vec![0.0; self.clock.count];
        let add = |layer: &Layer| {
            for (sum, value) in below.iter_mut().zip(&layer.values) {
                *sum += value.unwrap_or(0.0);
            }
            below.clone()
        };
        self.layers.iter().map(add).collect()
    }

    fn columns(&self, frame: Frame, scale: &Scale) -> String {
        let width = frame.x(1.0 / self.bins()) - frame.x(0.0);
        let gap = (width * 0.16).clamp(0.3, 3.0);
        let mut text = String::new();
        let mut below = vec![0.0; self.clock.count];
        for (layer, tops) in self.layers.iter().zip(self.stack()) {
            let mut path = String::new();
            for (n, (&low, &high)) in below.iter().zip(&tops).enumerate().filter(|(_, (low, high))| low < high) {
                let x = frame.x(n as f64 / self.bins()) + gap / 2.0;
                let (y, foot) = (frame.y(scale.part(high)), frame.y(scale.part(low)));
                let _infallible = write!(path, "M{} {}V{}h{}V{}z", px(x), px(foot), px(y), px(width - gap), px(foot));
            }
            let _infallible = write!(text, "<path class=\"fill {}\" d=\"{path}\"/>", layer.class);
            below = tops;
        }
        text
    }

    fn areas(&self, frame: Frame, scale: &Scale) -> String {
        let x = |n: usize| frame.x((n as f64 + 0.5) / self.bins());
        let y = |value: f64| px(frame.y(scale.part(value)));
        let mut text = String::new();
        let mut below = vec![0.0; self.clock.count];
        for (layer, tops) in self.layers.iter().zip(self.stack()) {
            let edge = |values: &[f64]| {
                let mut points: Vec<(f64, f64)> = values.iter().enumerate().map(|(n, &value)| (x(n), value)).collect();
                if let (Some(&(_, first)), Some(&(_, last))) = (points.first(), points.last()) {
                    points.insert(0, (frame.x(0.0), first));
                    points.push((frame.x(1.0), last));
                }
                points
            };
            let mut path = String::from("M");
            for (at, value) in edge(&tops).into_iter().chain(edge(&below).into_iter().rev()) {
                let _infallible = write!(path, "{} {} ", px(at), y(value));
            }
            let _infallible = write!(text, "<path class=\"fill area {}\" d=\"{}z\"/>", layer.class, path.trim_end());
            below = tops;
        }
        text
    }

    fn lines(&self, frame: Frame, scale: &Scale) -> String {
        let mut text = String::new();
        for layer in &self.layers {
            let (mut path, mut alone, mut pen) = (String::new(), String::new(), false);
            for (n, value) in layer.values.iter().enumerate() {
                let Some(value) = value else {
                    pen = false;
                    continue;
                };
                let (x, y) = (px(frame.x((n as f64 + 0.5) / self.bins())), px(frame.y(scale.part(*value))));
                let next = layer.values.get(n + 1).copied().flatten();
                let _infallible = write!(path, "{}{x} {y}", if pen { "L" } else { "M" });
                if !pen && next.is_none() {
                    let _infallible = write!(alone, "M{x} {y}h0");
                }
                pen = true;
            }
            let _infallible = write!(text, "<path class=\"line {}\" d=\"{path}{alone}\"/>", layer.class);
        }
        text
    }

    /// A place to point at for each bin.
    fn hits(&self, frame: Frame) -> String {
        let width = frame.x(1.0 / self.bins()) - frame.x(0.0);
        let (top, height) = (frame.y(1.0), frame.y(0.0) - frame.y(1.0));
        let mut text = String::new();
        for n in 0..self.clock.count {
            let mut tip = self.clock.bin_name(n);
            for layer in self.layers.iter().rev() {
                if let Some(value) = layer.values.get(n).copied().flatten() {
                    let _infallible = write!(tip, "\n{}: {}", layer.name, self.shown(value));
                }
            }
            text += &hit(frame.x(n as f64 / self.bins()), top, width, height, &tip);
        }
        text
    }

    fn shown(&self, value: f64) -> String {
        match self.unit {
            Unit::Count | Unit::Quantity => grouped((value + 0.5) as i64),
            Unit::Seconds => span(value),
        }
    }
}

/// How often spans of time occur: one column for each bin of `step_s` seconds, the last one for all that are longer.
#[derive(Debug)]
pub(super) struct Histogram<'a> {
    /// What it shows.
    pub title: &'a str,
    /// The same for those who do not see it.
    pub describe: String,
    /// Length of a bin in seconds.
    pub step_s: u32,
    /// How many are in each bin.
    pub counts: &'a [u64],
    /// Values to mark, in seconds, with what they are.
    pub marks: &'a [(f64, &'a str)],
}

impl Histogram<'_> {
    /// The drawing.
    pub fn draw(&self) -> String {
        let frame = HALF;
        let bins = self.counts.len().max(1) as f64;
        let greatest = self.counts.iter().max().copied().unwrap_or(0);
        let scale = Scale::up_to(greatest as f64, Unit::Count);
        let step = f64::from(self.step_s);
        let width = frame.x(1.0 / bins) - frame.x(0.0);
        let mut content = frame.grid(&scale);
        let across = Scale::up_to(step * bins, Unit::Seconds);
        for (at, label) in across.ticks.iter().filter(|(at, _)| *at <= step * bins) {
            content += &frame.below(frame.x(at / (step * bins)), label);
        }
        let mut path = String::new();
        let mut hits = String::new();
        for (n, &count) in self.counts.iter().enumerate() {
            let x = frame.x(n as f64 / bins);
            let y = frame.y(scale.part(count as f64));
            if count > 0 {
                let _infallible =
                    write!(path, "M{1} {0}V{2}h{3}V{0}z", px(frame.y(0.0)), px(x + 0.8), px(y), px(width - 1.6));
            }
            let from = n as f64 * step;
            let name = if n + 1 == self.counts.len() {
                format!("{} and more", span(from))
            } else {
                format!("{} – {}", span(from), span(from + step))
            };
            let tip = format!("{name}\nRides: {}", grouped(count as i64));
            hits += &hit(x, frame.y(1.0), width, frame.y(0.0) - frame.y(1.0), &tip);
        }
        let _infallible = write!(content, "<path class=\"fill c-ride\" d=\"{path}\"/>");
        content += &self.marks(frame, step * bins);
        content += &hits;
        drawing(frame.width, frame.height, self.title, &self.describe, &content)
    }

    /// Marked values; every other name stands higher, as they may lie close.
    fn marks(&self, frame: Frame, end: f64) -> String {
        let mut text = String::new();
        for (n, (at, name)) in self.marks.iter().enumerate() {
            let x = frame.x((at / end).clamp(0.0, 1.0));
            let y = frame.y(1.0) - if n % 2 == 0 { 20.0 } else { 6.0 };
            let _infallible = write!(
                text,
                "<path class=\"mark\" d=\"M{0} {1}V{2}\"/><text class=\"note\" x=\"{0}\" y=\"{3}\" text-anchor=\"middle\">{4}</text>",
                px(x),
                px(frame.y(0.0)),
                px(y + 4.0),
                px(y),
                escape(name)
            );
        }
        text
    }
}
