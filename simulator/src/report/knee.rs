//! A page of plots of one quantity against another, such as times against a rate.

use std::fmt::Write as _;

use super::axis::{Scale, Unit};
use super::chart::WIDE;
use super::number::fixed;
use super::page::{card, document, legend};
use super::svg::{drawing, escape, hit, px};

/// Values against a rate.
#[derive(Debug, Clone)]
pub struct Curve<'a> {
    /// What they are.
    pub name: &'a str,
    /// The style's class of their colour.
    pub class: &'a str,
    /// Rate and value, by rate.
    pub points: Vec<(f64, f64)>,
}

/// Curves over the same rates.
#[derive(Debug, Clone)]
pub struct Plot<'a> {
    /// What it shows.
    pub title: &'a str,
    /// What is below.
    pub x: &'a str,
    /// The unit of the values.
    pub y: &'a str,
    /// The curves.
    pub curves: Vec<Curve<'a>>,
    /// A rate to mark, with what it is.
    pub mark: Option<(f64, &'a str)>,
}

/// What stands above the plots.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// What kind of page it is.
    pub eyebrow: &'a str,
    /// Its name.
    pub title: &'a str,
    /// What came out, in a sentence.
    pub lead: &'a str,
    /// What was given.
    pub facts: &'a [(&'a str, String)],
}

impl Sheet<'_> {
    /// The page: plots, and all figures as text.
    pub fn page(&self, plots: &[Plot<'_>], figures: &str) -> String {
        let fact = |(name, value): &(&str, String)| format!("<li><b>{name}</b>{}</li>", escape(value));
        let facts: String = self.facts.iter().map(fact).collect();
        let mut body = format!(
            "<header class=\"masthead\"><p class=\"eyebrow\">{}</p><h1>{}</h1><p class=\"lead\">{}</p><ul class=\"facts\">{facts}</ul></header>\n",
            escape(self.eyebrow),
            escape(self.title),
            escape(self.lead)
        );
        for plot in plots {
            let colours = legend(plot.curves.iter().map(|curve| (curve.class, curve.name)));
            body += &card("", plot.title, &colours, &plot.draw());
        }
        body += &card("", "All figures", "", &format!("<div class=\"scroll\"><pre>{}</pre></div>", escape(figures)));
        document(self.title, &body)
    }
}

impl Plot<'_> {
    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.curves.iter().flat_map(|curve| curve.points.iter().copied())
    }

    fn draw(&self) -> String {
        let frame = WIDE;
        let greatest = |of: fn((f64, f64)) -> f64| self.points().map(of).fold(0.0, f64::max);
        let across = Scale::up_to(greatest(|(x, _)| x), Unit::Count);
        let up = Scale::up_to(greatest(|(_, y)| y), Unit::Quantity);
        let place = |(x, y): (f64, f64)| (frame.x(across.part(x)), frame.y(up.part(y)));
        let mut content = frame.grid(&up);
        for (value, label) in &across.ticks {
            content += &frame.below(frame.x(across.part(*value)), label);
        }
        let mut tips = String::new();
        for Curve { name, class, points } in &self.curves {
            let (mut path, mut dots) = (String::new(), String::new());
            for (index, point) in points.iter().enumerate() {
                let (x, y) = place(*point);
                let _infallible = write!(path, "{}{} {}", if index == 0 { "M" } else { "L" }, px(x), px(y));
                let _infallible =
                    write!(dots, "<circle class=\"fill {class}\" cx=\"{}\" cy=\"{}\" r=\"3\"/>", px(x), px(y));
                let tip = format!("{} {}\n{name}: {} {}", fixed(point.0, 0), self.x, fixed(point.1, 2), self.y);
                tips += &hit(x - 6.0, y - 6.0, 12.0, 12.0, &tip);
            }
            let _infallible = write!(content, "<path class=\"line {class}\" d=\"{path}\"/>{dots}");
        }
        if let Some((at, name)) = self.mark {
            let x = frame.x(across.part(at));
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
        content += &tips;
        drawing(frame.width, frame.height, self.title, &self.describe(), &content)
    }

    /// For those who do not see it.
    fn describe(&self) -> String {
        let curve = |curve: &Curve<'_>| {
            let points = curve.points.iter().map(|(x, y)| format!("{} at {}", fixed(*y, 2), fixed(*x, 0)));
            format!("{} in {}: {}", curve.name, self.y, points.collect::<Vec<_>>().join(", "))
        };
        self.curves.iter().map(curve).collect::<Vec<_>>().join(". ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_every_point_and_no_markup_of_what_it_is_told() {
        let points = vec![(100.0, 0.4), (150.0, 0.9)];
        let curves = vec![Curve { name: "p99", class: "c-way", points }];
        let plot = Plot { title: "Times", x: "a second", y: "ms", curves, mark: Some((150.0, "the knee")) };
        let sheet = Sheet { eyebrow: "bench", title: "<town>", lead: "", facts: &[("drivers", "7".to_owned())] };
        let page = sheet.page(&[plot], "a < b");
        assert!(page.contains("p99 in ms: 0.40 at 100, 0.90 at 150"), "{page}");
        assert_eq!(page.matches("<circle class=\"fill c-way\"").count(), 2);
        assert!(page.contains("the knee") && page.contains("&lt;town&gt;") && page.contains("a &lt; b"));
        assert!(!page.contains("<town>"));
    }
}
