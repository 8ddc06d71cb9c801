//! `docs/errors.md` has a section for every error code, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::root;

#[test]
fn every_error_code_has_its_section() {
    let page = fs::read_to_string(root().join("docs/errors.md")).expect("docs/errors.md");
    let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")?.get(..5)).collect();
    let mut sorted = sections.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sections, sorted, "sections are in order, one for each code");

    let mut codes = BTreeSet::new();
    for folder in ["src", "simulator/src", "dispatcher/market/src"] {
        for file in sources(&root().join(folder)) {
            codes.extend(codes_in(&fs::read_to_string(file).expect("a source file")));
        }
    }
    assert_eq!(codes.iter().map(String::as_str).collect::<Vec<_>>(), sections);
    for section in page.split("### ").skip(1) {
        assert!(section.contains("\nCause: ") && section.contains("\nRemedy: "), "{section}");
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .chain(folders.iter().flat_map(|folder| sources(folder)))
        .collect()
}

/// Texts of the form `"E0000"`.
fn codes_in(source: &str) -> impl Iterator<Item = String> + '_ {
    source
        .split('"')
        .filter(|text| text.len() == 5 && text.starts_with('E') && text[1..].bytes().all(|b| b.is_ascii_digit()))
        .map(str::to_owned)
}
