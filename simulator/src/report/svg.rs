//! Text for HTML and SVG.

/// `text` as it stands in an element or an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A length in pixels, with one decimal where it has one: drawings stay small.
pub(super) fn px(length: f64) -> String {
    let tenths = (length * 10.0 + if length < 0.0 { -0.5 } else { 0.5 }) as i64;
    if tenths % 10 == 0 { (tenths / 10).to_string() } else { format!("{:.1}", tenths as f64 / 10.0) }
}

/// A drawing of a size, with a title and a description for those who do not see it.
pub(super) fn drawing(width: f64, height: f64, title: &str, describe: &str, content: &str) -> String {
    let (title, describe) = (escape(title), escape(describe));
    format!(
        "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{title}. {describe}\"><desc>{describe}</desc>{content}</svg>",
        px(width),
        px(height),
    )
}

/// A place that says something when it is pointed at. Lines of `tip` are parted by `\n`.
pub(super) fn hit(x: f64, y: f64, width: f64, height: f64, tip: &str) -> String {
    format!(
        "<rect class=\"hit\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title></rect>",
        px(x),
        px(y),
        px(width),
        px(height),
        escape(tip)
    )
}
