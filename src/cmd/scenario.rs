//! `hansom scenario`: list, show and check.

use std::path::{Path, PathBuf};

use hansom_simulator::scenario::{Override, Scenario as Resolved};

use crate::cli::{Changes, Scenario};
use crate::error::{Error, Exit};
use crate::show;

/// Lists, shows or checks.
pub fn run(what: &Scenario) -> Result<Exit, Error> {
    match what {
        Scenario::List { folder } => list(folder),
        Scenario::Show { file, changes } => {
            show::result(&Resolved::load(file, &overrides(changes)?)?.show())?;
            Ok(Exit::Done)
        }
        Scenario::Check { files, changes } => check(files, &overrides(changes)?),
    }
}

/// The changes of the command line.
pub fn overrides(changes: &Changes) -> Result<Vec<Override>, Error> {
    changes.set.iter().map(|text| Override::parse(text).map_err(Error::from)).collect()
}

/// What a scenario shows, by the comment at the head of its file.
pub fn shows(text: &str) -> String {
    let head = text.lines().map(str::trim).take_while(|line| line.starts_with('#'));
    head.map(|line| line.trim_start_matches('#').trim()).collect::<Vec<_>>().join(" ")
}

fn list(folder: &Path) -> Result<Exit, Error> {
    let entries = std::fs::read_dir(folder).map_err(Error::reading(folder))?;
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>().map_err(Error::reading(folder))?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    if files.is_empty() {
        return Err(Error::NoScenarios { folder: folder.to_path_buf() });
    }
    let mut text = String::new();
    for (n, path) in files.iter().enumerate() {
        let content = std::fs::read_to_string(path).map_err(|source| Error::File {
            action: "read",
            path: path.clone(),
            source,
        })?;
        text += &format!("{}{}\n", if n > 0 { "\n" } else { "" }, path.display());
        text.extend(show::wrapped(&shows(&content), 100).iter().map(|line| format!("  {line}\n")));
    }
    show::result(&text)?;
    Ok(Exit::Done)
}

fn check(files: &[PathBuf], changes: &[Override]) -> Result<Exit, Error> {
    let mut exit = Exit::Done;
    let mut text = String::new();
    for file in files {
        match Resolved::load(file, changes) {
            Ok(_) => text += &format!("{}: no fault\n", file.display()),
            Err(faults) => {
                let error = Error::from(faults);
                error.print();
                exit = error.exit();
            }
        }
    }
    show::result(&text)?;
    Ok(exit)
}
