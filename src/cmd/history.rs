//! `hansom history`: what is remembered of the rides of markets, beside their logs.

use std::fs;
use std::path::{Path, PathBuf};

use hansom_api::read::history::{self, Rebuilt};
use hansom_engine::record::json::rfc3339;
use hansom_geo_index::Millis;
use hansom_simulator::report::number::grouped;
use serde_json::{Value, json};

use crate::cli::{Format, History};
use crate::error::{Error, Exit};
use crate::show::{self, Table};

/// Makes histories anew.
pub fn run(what: &History) -> Result<Exit, Error> {
    let History::Rebuild { markets, data, format } = what;
    let mut made = Vec::new();
    for (market, folder) in folders(&data.folder, markets)? {
        made.push((market, history::rebuild(&folder)?));
    }
    let text = match format {
        Format::Text => text(&made),
        Format::Json => show::json(&made.iter().map(|(market, rebuilt)| one(market, rebuilt)).collect::<Value>()),
    };
    show::result(&text)?;
    Ok(Exit::Done)
}

/// The folders of these markets, or of all, by name.
fn folders(data: &Path, wanted: &[String]) -> Result<Vec<(String, PathBuf)>, Error> {
    if !wanted.is_empty() {
        return Ok(wanted.iter().map(|market| (market.clone(), data.join(market))).collect());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(data).map_err(Error::reading(data))? {
        let entry = entry.map_err(Error::reading(data))?;
        if entry.path().join("log").is_dir() {
            found.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

fn text(made: &[(String, Rebuilt)]) -> String {
    let mut table = Table::new(vec![false, true, true, false, false]);
    table.row(["market", "rides", "turns", "up to", "before"]);
    for (market, rebuilt) in made {
        let before = match rebuilt.was_same {
            Some(true) => "the same",
            Some(false) => "another",
            None => "none, or shorter",
        };
        let (rides, turns) = (grouped(rebuilt.rides.into()), grouped(rebuilt.reach.next as i64));
        table.row([market, &rides, &turns, &rfc3339(Millis(rebuilt.reach.at_ms)), before]);
    }
    table.text()
}

fn one(market: &str, rebuilt: &Rebuilt) -> Value {
    json!({
        "market": market, "rides": rebuilt.rides, "turns": rebuilt.reach.next,
        "at": rfc3339(Millis(rebuilt.reach.at_ms)), "digest": rebuilt.digest, "was_same": rebuilt.was_same,
    })
}
