//! What nobody sees go wrong: each check names the file, the line and the fault. `cargo test -p xtask` runs them too.

mod arrows;
mod codes;
mod licences;
mod links;
mod records;
mod strays;
mod unused;

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::shell::{self, Failure, Result};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file, from the root.
    pub file: PathBuf,
    /// The line, from 1; 0: the file as a whole.
    pub line: usize,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.what),
            line => write!(f, "{}:{line}: {}", self.file.display(), self.what),
        }
    }
}

/// A text file of the repository.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its path from the root.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
}

impl Page {
    /// Whether its name ends in `.extension`.
    pub fn is(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|it| it == extension)
    }

    /// A fault in its `index`th line.
    fn fault(&self, index: usize, what: String) -> Fault {
        Fault { file: self.path.clone(), line: index + 1, what }
    }
}

/// Runs every check and prints the faults.
pub fn run(root: &Path) -> Result<()> {
    let faults = faults(root)?;
    for fault in &faults {
        println!("{fault}");
    }
    match faults.len() {
        0 => Ok(()),
        count => Err(Failure(format!("{count} faults"))),
    }
}

/// All faults, in order of the files.
fn faults(root: &Path) -> Result<Vec<Fault>> {
    let pages = pages(root)?;
    let metadata = metadata(root)?;
    let mut faults = Vec::new();
    faults.extend(links::check(root, &pages));
    faults.extend(codes::check(&pages));
    faults.extend(records::check(&pages));
    faults.extend(strays::check(&pages));
    faults.extend(arrows::check(&metadata));
    faults.extend(licences::check(&shell::read(&root.join("deny.toml"))?, &metadata)?);
    faults.extend(unused::check(&shell::read(&root.join("Cargo.toml"))?, &pages, &metadata)?);
    faults.sort();
    Ok(faults)
}

/// The text files that are in the repository or would be with `git add --all`. Files that are not UTF-8 are no text.
fn pages(root: &Path) -> Result<Vec<Page>> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let names = shell::output(shell::command(root, "git", &list))?;
    let names = names.split_terminator('\0').map(PathBuf::from);
    let read = |path: PathBuf| std::fs::read_to_string(root.join(&path)).ok().map(|text| Page { path, text });
    Ok(names.filter_map(read).collect())
}

/// What cargo knows of the workspace and all that it is built from.
fn metadata(root: &Path) -> Result<Value> {
    let text = shell::output(shell::cargo(root, &["metadata", "--format-version", "1", "--locked"]))?;
    serde_json::from_str(&text).map_err(|error| Failure(format!("cargo metadata printed something else: {error}")))
}

/// The array under `key`, or none of it.
fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_repository_is_tidy() {
        let faults = super::faults(&crate::root()).expect("the repository can be read");
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(faults.is_empty(), "{}", lines.join("\n"));
    }
}
