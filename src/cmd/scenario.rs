//! `hansom scenario`: list, show and check.

use std::path::{Path, PathBuf};

use hansom_simulator::city;
use hansom_simulator::demand::{self, RequestFile};
use hansom_simulator::report::number::grouped;
use hansom_simulator::scenario::{Override, Scenario as Resolved};
use hansom_simulator::supply;

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

/// Reads each scenario and what it names, and prints all faults of those that have some.
fn check(files: &[PathBuf], changes: &[Override]) -> Result<Exit, Error> {
    let mut exit = Exit::Done;
    let mut text = String::new();
    for file in files {
        match sound(file, changes) {
            Ok(contents) => text += &format!("{}: no fault; {contents}\n", file.display()),
            Err(error) => {
                error.print();
                exit = error.exit();
            }
        }
    }
    show::result(&text)?;
    Ok(exit)
}

/// What a scenario without faults holds.
fn sound(file: &Path, changes: &[Override]) -> Result<String, Error> {
    let scenario = Resolved::load(file, changes)?;
    let (city, left_out) = city::load(&scenario.network)?;
    let RequestFile { requests, quarantined } = demand::requests(&scenario, &city.network)?;
    let drivers = supply::drivers(&scenario, &city, &requests)?;
    let count = |n: usize| grouped(n as i64);
    let mut contents = format!(
        "{} requests, {} vehicles, {} edges",
        count(requests.len()),
        count(drivers.len()),
        count(city.network.edge_count())
    );
    if let Some(first) = quarantined.first() {
        contents +=
            &format!("\n{} rows are no requests; line {}: {}", count(quarantined.len()), first.line, first.fault);
    }
    if let Some(report) = left_out {
        contents += &format!("\n{report}");
    }
    Ok(contents)
}
