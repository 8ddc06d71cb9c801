//! Every error code has a section in `docs/errors.md`, and every section a code.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Fault, Page};

const REFERENCE: &str = "docs/errors.md";

/// Codes without a section, and sections without a code.
pub fn check(pages: &[Page]) -> Vec<Fault> {
    let mut used: BTreeMap<&str, (&Page, usize)> = BTreeMap::new();
    for page in pages.iter().filter(|page| is_of_the_program(page)) {
        for (index, line) in page.text.lines().enumerate() {
            codes(line).for_each(|code| _ = used.entry(code).or_insert((page, index)));
        }
    }
    let reference = pages.iter().find(|page| page.path == Path::new(REFERENCE));
    let headings = |page: &Page| -> Vec<(usize, String)> {
        let heading = page.text.lines().enumerate().filter(|(_, line)| line.starts_with('#'));
        heading.flat_map(|(index, line)| codes(line).map(move |code| (index, code.to_owned()))).collect()
    };
    let explained = reference.map(headings).unwrap_or_default();
    let missing = used.iter().filter(|(code, _)| !explained.iter().any(|(_, other)| other == *code));
    let missing =
        missing.map(|(code, (page, index))| page.fault(*index, format!("{code} has no section in {REFERENCE}")));
    let unused = explained.iter().filter(|(_, code)| !used.contains_key(code.as_str()));
    let unused = unused.filter_map(|(index, code)| Some(reference?.fault(*index, format!("nothing reports {code}"))));
    missing.chain(unused).collect()
}

/// Code that is neither a test nor a chore.
fn is_of_the_program(page: &Page) -> bool {
    let mut folders = page.path.iter();
    page.is("rs") && !page.path.starts_with("deploy") && !folders.any(|folder| folder == "tests")
}

/// The codes in a text: `E` and four digits, standing alone.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| {
        word.len() == 5 && word.starts_with('E') && word.bytes().skip(1).all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_sections_are_paired() {
        let page = |path: &str, text: &str| Page { path: path.into(), text: text.into() };
        let pages = [
            page("src/error.rs", "\"E0101\" \"E0102\"\n\"E0102\" // E01023 XE0105"),
            page("scenarios/tests/errors.rs", "E0103"),
            page("docs/errors.md", "## E0101 usage\nE0102\n### E0199 gone\n"),
        ];
        let found: Vec<String> = check(&pages).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            ["src/error.rs:1: E0102 has no section in docs/errors.md", "docs/errors.md:3: nothing reports E0199"]
        );
    }
}
