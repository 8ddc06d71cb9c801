//! `hansom compare`: runs against each other, paired by seed.

mod finished;
mod sweep;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

use hansom_simulator::report::compare::{self, Comparison, KPIS, Run};
use serde_json::Value;

use crate::cli::{Compare, Format};
use crate::error::{Error, Exit};
use crate::show;

/// What was compared, and where its page goes.
#[derive(Debug)]
struct Compared {
    /// The scenario, or the scenarios.
    name: String,
    comparison: Comparison,
    /// `None`: no page is written.
    out: Option<PathBuf>,
    /// Broken invariants of all runs.
    violations: u64,
}

/// Compares finished runs, or makes them first.
pub fn run(arguments: &Compare) -> Result<Exit, Error> {
    let compared = if arguments.arms.given.is_empty() {
        finished::compare(arguments)?
    } else {
        match sweep::compare(arguments)? {
            Some(compared) => compared,
            None => return Ok(Exit::Interrupted),
        }
    };
    if compared.comparison.seeds.is_empty() {
        return Err(Error::NoPairs);
    }
    let page = match &compared.out {
        Some(folder) => Some(write(folder, &compared)?),
        None => None,
    };
    match arguments.format {
        Format::Text => show::result(&text::tables(&compared.name, &compared.comparison, page.as_deref()))?,
        Format::Json => show::result(&show::json(&json(&compared)))?,
    }
    if compared.violations > 0 {
        show::note(&format!("{} invariants were broken: these figures are not to be trusted", compared.violations));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

/// Writes `compare.html` and `compare.json`; the path of the first.
fn write(folder: &Path, compared: &Compared) -> Result<PathBuf, Error> {
    fs::create_dir_all(folder).map_err(Error::writing(folder))?;
    let json_path = folder.join("compare.json");
    fs::write(&json_path, show::json(&json(compared))).map_err(Error::writing(&json_path))?;
    let path = folder.join("compare.html");
    fs::write(&path, compare::page(&compared.name, &compared.comparison)).map_err(Error::writing(&path))?;
    Ok(path)
}

/// The run of an arm whose summary is this object.
fn run_of(arm: usize, summary: &Value) -> Run {
    let figure = |path: &str| path.split('.').try_fold(summary, |value, key| value.get(key)).and_then(Value::as_f64);
    Run {
        arm,
        seed: summary.get("seed").and_then(Value::as_u64).unwrap_or(0),
        figures: KPIS.iter().map(|kpi| figure(kpi.path)).collect(),
    }
}

/// How many invariants a run broke.
fn violations_of(summary: &Value) -> u64 {
    summary.get("invariant_violations").and_then(Value::as_u64).unwrap_or(0)
}

/// The comparison as one object.
fn json(compared: &Compared) -> Value {
    let Comparison { arms, seeds, unpaired, rows } = &compared.comparison;
    let kpis: Vec<Value> = rows
        .iter()
        .map(|row| {
            let differences: Vec<Value> = (1..)
                .zip(&row.differences)
                .map(|(arm, difference)| {
                    let (low, high) = difference.interval.unzip();
                    serde_json::json!({
                        "arm": arm, "pairs": difference.pairs.len(), "mean": difference.mean, "low": low, "high": high,
                        "excludes_zero": difference.excludes_zero(), "by_pair": difference.pairs,
                    })
                })
                .collect();
            serde_json::json!({ "kpi": row.kpi.path, "means": row.means, "differences": differences })
        })
        .collect();
    serde_json::json!({
        "scenario": compared.name, "arms": arms, "seeds": seeds, "unpaired": unpaired,
        "confidence": compare::CONFIDENCE, "kpis": kpis, "out": compared.out,
    })
}
