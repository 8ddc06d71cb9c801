//! Runs that are there already: which of them belong together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hansom_simulator::report::compare::{Comparison, Run};
use serde_json::Value;

use super::{Compared, run_of, violations_of};
use crate::cli::Compare;
use crate::error::Error;
use crate::show;

/// Keys of a scenario that runs of one arm may differ in: which draws, and what the run is called.
const NAMING: [&str; 2] = ["seed", "name"];
/// Keys, with those below them, in which two runs that are compared must agree: what is asked for. Streets are compared
/// by their hash, wherever they lie.
const ASKED: [&str; 3] = ["period", "demand", "timezone"];
const STREETS: &str = "network";

/// A finished run as its folder has it.
#[derive(Debug)]
struct Finished {
    folder: PathBuf,
    summary: Value,
    /// Its scenario, keys in full, but for its seed and name.
    keys: BTreeMap<String, String>,
}

/// Compares the runs in folders. Those of one scenario are one arm, the first that is named is the baseline.
pub fn compare(arguments: &Compare) -> Result<Compared, Error> {
    let runs: Vec<Finished> = arguments.what.iter().map(|folder| Finished::read(folder)).collect::<Result<_, _>>()?;
    let mut arms: Vec<&BTreeMap<String, String>> = Vec::new();
    for run in &runs {
        if !arms.contains(&&run.keys) {
            arms.push(&run.keys);
        }
    }
    let arm_of = |run: &Finished| arms.iter().position(|&arm| *arm == run.keys).unwrap_or(0);
    if arms.len() < 2 {
        return Err(Error::OneArm { runs: runs.len() });
    }
    let mut paired: Vec<(Run, &Finished)> = Vec::new();
    for finished in &runs {
        let run = run_of(arm_of(finished), &finished.summary);
        if let Some((_, twin)) = paired.iter().find(|(other, _)| (other.arm, other.seed) == (run.arm, run.seed)) {
            return Err(Error::TwiceTheSame { one: twin.folder.clone(), other: finished.folder.clone() });
        }
        paired.push((run, finished));
    }
    same_question(&paired)?;
    let names: BTreeSet<&str> = runs.iter().filter_map(|run| run.summary.get("scenario")?.as_str()).collect();
    let violations = runs.iter().map(|run| violations_of(&run.summary)).sum();
    let runs: Vec<Run> = paired.into_iter().map(|(run, _)| run).collect();
    Ok(Compared {
        name: names.into_iter().collect::<Vec<_>>().join(", "),
        comparison: Comparison::of(labels(&arms), &runs),
        out: arguments.out.clone(),
        violations,
    })
}

/// Refuses runs that were not asked the same.
fn same_question(runs: &[(Run, &Finished)]) -> Result<(), Error> {
    let Some((_, first)) = runs.first() else { return Ok(()) };
    for (run, other) in runs {
        let unlike = |what: String| Error::Unlike { one: first.folder.clone(), other: other.folder.clone(), what };
        if let Some(key) = first.asked().chain(other.asked()).find(|&key| first.keys.get(key) != other.keys.get(key)) {
            return Err(unlike(format!(
                "`{key}` is {} in one and {} in the other",
                first.value(key),
                other.value(key)
            )));
        }
        if first.summary.get("network_hash") != other.summary.get("network_hash") {
            return Err(unlike("they are on different streets".to_owned()));
        }
        let twin = runs.iter().find(|(twin, _)| twin.seed == run.seed);
        let requests = |finished: &Finished| finished.summary.get("requests").and_then(Value::as_u64);
        if let Some((_, twin)) = twin.filter(|(_, twin)| requests(twin) != requests(other)) {
            let what = format!("with seed {} they had different numbers of requests", run.seed);
            return Err(Error::Unlike { one: twin.folder.clone(), other: other.folder.clone(), what });
        }
    }
    let versions: BTreeSet<_> = runs.iter().filter_map(|(_, run)| run.summary.get("logic_version")?.as_u64()).collect();
    if versions.len() > 1 {
        show::note("note: the runs were decided by different versions of the rules (`logic_version`)");
    }
    Ok(())
}

/// What each arm has that not all have: `policy.kind=batch`.
fn labels(arms: &[&BTreeMap<String, String>]) -> Vec<String> {
    let keys: BTreeSet<&String> = arms.iter().flat_map(|arm| arm.keys()).collect();
    let differs = |key: &&String| arms.iter().any(|arm| arm.get(*key) != arms[0].get(*key));
    let streets = |key: &&String| key.split('.').next() == Some(STREETS);
    let differing: Vec<&String> = keys.into_iter().filter(differs).filter(|key| !streets(key)).collect();
    let pair = |arm: &BTreeMap<String, String>, key: &String| {
        let value = arm.get(key).map_or("none", |value| value.trim_matches('"'));
        format!("{key}={value}")
    };
    arms.iter().map(|arm| differing.iter().map(|key| pair(arm, key)).collect::<Vec<_>>().join(" ")).collect()
}

impl Finished {
    fn read(folder: &Path) -> Result<Self, Error> {
        let no_run = |cause: String| Error::NoRun { folder: folder.to_path_buf(), cause };
        let text = |name: &str| {
            fs::read_to_string(folder.join(name)).map_err(|source| no_run(format!("{name} cannot be read: {source}")))
        };
        let summary: Value = serde_json::from_str(&text("summary.json")?)
            .map_err(|error| no_run(format!("summary.json is damaged: {error}")))?;
        let table: toml::Table = text("scenario.toml")?
            .parse()
            .map_err(|error: toml::de::Error| no_run(format!("scenario.toml is damaged: {}", error.message())))?;
        if summary.get("partial") != Some(&Value::Bool(false)) {
            return Err(Error::PartialRun { folder: folder.to_path_buf() });
        }
        let mut keys = BTreeMap::new();
        flatten("", &toml::Value::Table(table), &mut keys);
        keys.retain(|key, _| !NAMING.contains(&key.as_str()));
        Ok(Self { folder: folder.to_path_buf(), summary, keys })
    }

    fn asked(&self) -> impl Iterator<Item = &String> {
        self.keys.keys().filter(|key| ASKED.contains(&key.split('.').next().unwrap_or_default()))
    }

    fn value(&self, key: &str) -> &str {
        self.keys.get(key).map_or("not set", String::as_str)
    }
}

/// The values of a tree, each by its key in full; elements of lists of tables by their number.
fn flatten(key: &str, value: &toml::Value, into: &mut BTreeMap<String, String>) {
    let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(name, value)| flatten(&below(name), value, into)),
        toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
            items.iter().enumerate().for_each(|(n, item)| flatten(&below(&n.to_string()), item, into));
        }
        value => {
            into.insert(key.to_owned(), value.to_string());
        }
    }
}
