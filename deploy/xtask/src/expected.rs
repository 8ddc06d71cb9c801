//! What every scenario is expected to come to: `scenarios/expected/NAME.json` holds a run's summary without what differs
//! from machine to machine. A change of a rule changes it, and the diff shows by how much.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::shell::{self, Failure, Result};

/// What of a summary belongs to the machine and not to the city.
const OF_THE_MACHINE: [&str; 6] = ["match_latency_us", "wall_s", "cpu_s", "peak_rss_bytes", "durable", "out"];

/// What to do with the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Write them.
    Rewrite,
    /// Compare them with what is written.
    Compare,
}

/// The program as built for release, and a folder for its runs beside it.
#[derive(Debug)]
pub struct Built {
    /// The program.
    pub hansom: String,
    /// The folder.
    pub runs: PathBuf,
}

/// Builds the program.
pub fn build(root: &Path) -> Result<Built> {
    let arguments = ["build", "--locked", "--release", "--package", "hansom"];
    shell::step("release build", shell::cargo(root, &arguments))?;
    let text = shell::output(shell::cargo(root, &["metadata", "--format-version", "1", "--no-deps", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&text).map_err(|error| Failure(format!("cargo metadata: {error}")))?;
    let target = Path::new(metadata["target_directory"].as_str().unwrap_or("target"));
    let hansom = target.join("release").join(format!("hansom{}", std::env::consts::EXE_SUFFIX));
    Ok(Built { hansom: hansom.to_string_lossy().into_owned(), runs: target.join("xtask-runs") })
}

/// Runs every scenario in `scenarios/` and writes or compares its results.
pub fn run(root: &Path, mode: Mode) -> Result<()> {
    let built = build(root)?;
    let mut differing = Vec::new();
    for scenario in scenarios(root)? {
        let name = scenario.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let found = results(root, &built, &scenario, &name)?;
        let file = root.join("scenarios/expected").join(format!("{name}.json"));
        match mode {
            Mode::Rewrite => shell::write(&file, &pretty(&found)?)?,
            Mode::Compare => {
                let wanted = serde_json::from_str(&shell::read(&file)?);
                let wanted = wanted.map_err(|error| Failure(format!("{}: {error}", file.display())))?;
                differing.extend(differences(&name, &wanted, &found));
            }
        }
        println!("{name}: {}", found["event_chain"].as_str().unwrap_or("no event_chain"));
    }
    if differing.is_empty() {
        return Ok(());
    }
    let remedy = "if the change is meant, run `cargo xtask expected`, look at the diff and say in the commit why";
    Err(Failure(format!("runs differ from scenarios/expected/:\n{}\n{remedy}", differing.join("\n"))))
}

/// The scenario files, by name.
fn scenarios(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join("scenarios");
    let entries = folder.read_dir().map_err(|error| Failure(format!("cannot list {}: {error}", folder.display())))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|it| it == "toml")).collect();
    found.sort();
    Ok(found)
}

/// What a run of `scenario` comes to, without what belongs to the machine.
fn results(root: &Path, built: &Built, scenario: &Path, name: &str) -> Result<Value> {
    let out = built.runs.join("expected").join(name);
    let [scenario, out] = [scenario, &out].map(|path| path.to_string_lossy().into_owned());
    let arguments = ["simulate", &scenario, "--format", "json", "--quiet", "--out", &out];
    let text = shell::output(shell::command(root, &built.hansom, &arguments))?;
    let summary: Map<String, Value> =
        serde_json::from_str(&text).map_err(|error| Failure(format!("{scenario} printed no JSON object: {error}")))?;
    Ok(summary.into_iter().filter(|(key, _)| !OF_THE_MACHINE.contains(&key.as_str())).collect())
}

fn pretty(value: &Value) -> Result<String> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure(error.to_string()))?;
    Ok(text + "\n")
}

/// A line for each field in which `found` differs from `wanted`.
fn differences(path: &str, wanted: &Value, found: &Value) -> Vec<String> {
    if let (Value::Object(wanted), Value::Object(found)) = (wanted, found) {
        let mut keys: Vec<&String> = wanted.keys().chain(found.keys()).collect();
        keys.sort();
        keys.dedup();
        let of = |map: &Map<String, Value>, key: &String| map.get(key).cloned().unwrap_or_default();
        return keys
            .into_iter()
            .flat_map(|key| differences(&format!("{path}.{key}"), &of(wanted, key), &of(found, key)))
            .collect();
    }
    if wanted == found { Vec::new() } else { vec![format!("  {path}: expected {wanted}, found {found}")] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_name_the_field_and_both_sides() {
        let wanted = json!({ "a": 1, "b": { "c": 2, "d": 3 }, "e": 4 });
        let found = json!({ "a": 1, "b": { "c": 2, "d": 5 }, "f": 6 });
        let lines = differences("town", &wanted, &found);
        assert_eq!(
            lines,
            ["  town.b.d: expected 3, found 5", "  town.e: expected 4, found null", "  town.f: expected null, found 6"]
        );
    }
}
