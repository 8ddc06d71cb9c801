//! What the pages of a report share: one file each, nothing loaded from elsewhere, light or dark as the reader likes it.

use super::svg::escape;

const STYLE: &str = include_str!("page/style.css");
/// Shows what is pointed at at once; without it, browsers show the same after a moment.
const SCRIPT: &str = include_str!("page/tips.js");

/// A page.
pub(super) fn document(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// A part of a page with a heading; `aside` stands at the right of the heading.
pub(super) fn card(class: &str, heading: &str, aside: &str, content: &str) -> String {
    format!("<section class=\"card {class}\"><header><h2>{}</h2>{aside}</header>{content}</section>\n", escape(heading))
}

/// What colours mean: the style's class of each and its name.
pub(super) fn legend<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let entry = |(class, name): (&str, &str)| format!("<li><i class=\"swatch {class}\"></i>{}</li>", escape(name));
    format!("<ul class=\"legend\">{}</ul>", entries.into_iter().map(entry).collect::<String>())
}
