//! Links between pages, and paths that pages name, lead somewhere.

use std::path::{Component, Path, PathBuf};

use super::{Fault, Page};

/// Pages in which a path in backticks must exist: they draw the map.
const MAPS: [&str; 2] = ["ARCHITECTURE.md", "README.md"];

/// Faults of the links in Markdown files, and of the paths in backticks in [`MAPS`].
pub fn check(root: &Path, pages: &[Page]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for page in pages.iter().filter(|page| page.is("md")) {
        let map = MAPS.iter().any(|name| page.path == Path::new(name));
        for (index, line) in prose(&page.text) {
            let dead = targets(line).filter_map(|target| dead(root, pages, page, target));
            faults.extend(dead.map(|what| page.fault(index, what)));
            if map {
                let gone = code(line).filter(|span| is_path(root, span) && !is_made(span) && !root.join(span).exists());
                faults.extend(gone.map(|span| page.fault(index, format!("there is no `{span}`"))));
            }
        }
    }
    faults
}

/// Whether a path is of what building or running makes, which a fresh clone does not have.
fn is_made(span: &str) -> bool {
    span.starts_with("target/") || span.starts_with("runs/")
}

/// The lines outside of fenced blocks, with their index.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The spans of a line in backticks.
fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The targets of the links of a line: what stands in `](…)`, outside of backticks.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let text = line.split('`').step_by(2);
    text.flat_map(|text| text.split("](").skip(1)).filter_map(|rest| rest.split([')', ' ']).next())
}

/// Whether a span in backticks names something below the root: it starts with an entry of the root, and is no pattern.
fn is_path(root: &Path, span: &str) -> bool {
    let first = span.split('/').next().unwrap_or_default();
    let plain = !span.contains(|c: char| c.is_whitespace() || "*<>{}…=:#(".contains(c));
    plain && span.contains('/') && !first.is_empty() && first != ".." && root.join(first).is_dir()
}

/// Why a link of `page` to `target` is dead, if it is.
fn dead(root: &Path, pages: &[Page], page: &Page, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = match file {
        "" => page.path.clone(),
        _ => match normal(&page.path.parent().unwrap_or(Path::new("")).join(file)) {
            Some(path) => path,
            None => return Some(format!("the link to {target} leaves the repository")),
        },
    };
    // Pages first: images are none.
    if !pages.iter().any(|page| page.path.starts_with(&path)) && !root.join(&path).exists() {
        return Some(format!("the link to {target} is dead"));
    }
    let anchor = anchor?;
    let linked = pages.iter().find(|page| page.path == path)?;
    let found = prose(&linked.text).filter(|(_, line)| line.starts_with('#')).any(|(_, line)| slug(line) == anchor);
    (!found).then(|| format!("the link to {target} is dead: {} has no such heading", path.display()))
}

/// `path` without `.` and `..`; none if it leads out of the root.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => out.pop().then_some(())?,
            Component::Normal(name) => out.push(name),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(out)
}

/// The anchor that a heading gets: letters, digits, `-` and `_` in lower case, blanks as `-`.
fn slug(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let text = heading.trim_start_matches('#').trim();
    text.chars().filter(kept).flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, text: &str) -> Page {
        Page { path: path.into(), text: text.into() }
    }

    #[test]
    fn dead_links_and_headings_are_found() {
        let pages = [
            page("README.md", "[a](deploy) [b](gone.md)\n`[c](gone.md)`\n[d](docs/errors.md#e0101-usage) [e](#top)\n"),
            page("docs/errors.md", "## E0101 `usage`\n[up](../README.md) [out](../../else.md) [web](https://a.b/c)\n"),
        ];
        let found: Vec<_> = check(&crate::root(), &pages).into_iter().map(|fault| (fault.line, fault.what)).collect();
        let dead = |line, what: &str| (line, what.to_owned());
        assert_eq!(
            found,
            [
                dead(1, "the link to gone.md is dead"),
                dead(3, "the link to #top is dead: README.md has no such heading"),
                dead(2, "the link to ../../else.md leaves the repository"),
            ]
        );
    }

    #[test]
    fn a_map_names_only_what_is_there() {
        let text =
            "`deploy/xtask/src/main.rs` `deploy/none` `a/b` `deploy/*.rs` `target/none`\n```\n`deploy/none`\n```\n";
        let faults = check(&crate::root(), &[page("ARCHITECTURE.md", text), page("docs/x.md", text)]);
        assert_eq!(
            faults,
            [Fault { file: "ARCHITECTURE.md".into(), line: 1, what: "there is no `deploy/none`".into() }]
        );
    }
}
