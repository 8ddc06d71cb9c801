//! `hansom quarantine`: lines that could not be read.

mod retry;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hansom_engine::record::json::rfc3339;
use hansom_market::quarantine::{self, Entry, Id, Listing};
use hansom_simulator::report::number::grouped;
use serde_json::{Value, json};

use crate::access;
use crate::cli::{Format, Quarantine};
use crate::error::{Error, Exit};
use crate::http::Peer;
use crate::show::{self, Table};

/// Lists, shows or hands over.
pub fn run(what: &Quarantine) -> Result<Exit, Error> {
    match what {
        Quarantine::Ls { data, all, format } => ls(&data.folder, *all, *format),
        Quarantine::Show { entry, data, bytes } => show_entry(&data.folder, entry, *bytes),
        Quarantine::Retry { entries, data, mended, server, token_file } => {
            let server = Peer { address: *server, token: access::token(token_file.as_deref())? };
            retry::run(&data.folder, entries, mended.as_deref(), &server)
        }
    }
}

/// The quarantine of one market.
struct Ward {
    market: String,
    folder: PathBuf,
    listing: Listing,
}

/// The quarantines of all markets in a folder, by name.
fn wards(data: &Path) -> Result<Vec<Ward>, Error> {
    let mut wards = Vec::new();
    for entry in fs::read_dir(data).map_err(Error::reading(data))? {
        let entry = entry.map_err(Error::reading(data))?;
        let folder = entry.path().join("quarantine");
        if folder.is_dir() {
            let listing = quarantine::list(&folder)?;
            wards.push(Ward { market: entry.file_name().to_string_lossy().into_owned(), folder, listing });
        }
    }
    wards.sort_by(|a, b| a.market.cmp(&b.market));
    Ok(wards)
}

/// The line that `given` names: `MARKET/N`, or `N` where there is one market.
fn find<'w>(wards: &'w [Ward], given: &str) -> Result<(&'w Ward, &'w Entry), Error> {
    let (market, number) = given.rsplit_once('/').map_or((None, given), |(market, number)| (Some(market), number));
    let id = number.parse().map(Id);
    let mut named = wards.iter().filter(|ward| market.map_or(wards.len() == 1, |market| market == ward.market));
    let ward = named.next();
    let entry = ward
        .zip(id.ok())
        .and_then(|(ward, id)| ward.listing.entries.iter().find(|entry| entry.id == id).map(|entry| (ward, entry)));
    entry.ok_or_else(|| Error::NoEntry { given: given.to_owned() })
}

fn ls(data: &Path, all: bool, format: Format) -> Result<Exit, Error> {
    let wards = wards(data)?;
    let shown = |entry: &&Entry| all || entry.handed_over.is_none();
    if format == Format::Json {
        let entries: Vec<Value> = wards
            .iter()
            .flat_map(|ward| ward.listing.entries.iter().filter(shown).map(|entry| entry_json(&ward.market, entry)))
            .collect();
        let dropped: u64 = wards.iter().map(|ward| ward.listing.dropped).sum();
        show::result(&format!("{}\n", json!({ "entries": entries, "dropped": dropped })))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(vec![false, false, false, true, false, false]);
    table.row(["line", "came at", "from", "bytes", "state", "why"]);
    for ward in &wards {
        for entry in ward.listing.entries.iter().filter(shown) {
            table.row([
                &format!("{}/{}", ward.market, entry.id),
                &rfc3339(entry.at),
                &entry.source,
                &grouped(entry.length as i64),
                state(entry),
                &one_line(&entry.reason),
            ]);
        }
    }
    show::result(&table.text())?;
    for ward in wards.iter().filter(|ward| ward.listing.dropped > 0) {
        show::note(&format!("note: {} older lines of {} were dropped for room", ward.listing.dropped, ward.market));
    }
    Ok(Exit::Done)
}

fn state(entry: &Entry) -> &'static str {
    if entry.handed_over.is_some() { "handed over" } else { "waits" }
}

/// What comes from outside is printed without control characters, which could say anything to a terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

fn entry_json(market: &str, entry: &Entry) -> Value {
    json!({
        "line": format!("{market}/{}", entry.id),
        "market": market,
        "came_at": rfc3339(entry.at),
        "source": entry.source,
        "reason": entry.reason,
        "length": entry.length,
        "handed_over_at": entry.handed_over.map(rfc3339),
        "text": String::from_utf8_lossy(&entry.bytes),
    })
}

fn show_entry(data: &Path, given: &str, bytes: bool) -> Result<Exit, Error> {
    let wards = wards(data)?;
    let (ward, entry) = find(&wards, given)?;
    if bytes {
        let mut out = io::stdout().lock();
        out.write_all(&entry.bytes)?;
        out.flush()?;
    } else {
        let kept = if entry.is_whole() { String::new() } else { format!(", {} of them kept", entry.bytes.len()) };
        show::result(&format!(
            "line      {}/{}\ncame at   {}\nfrom      {}\nbytes     {}{kept}\nstate     {}\nwhy       {}\n\n{}\n",
            ward.market,
            entry.id,
            rfc3339(entry.at),
            one_line(&entry.source),
            entry.length,
            state(entry),
            one_line(&entry.reason),
            one_line(&String::from_utf8_lossy(&entry.bytes)),
        ))?;
    }
    if !entry.is_whole() {
        show::note("note: the line is longer than any record, and not kept whole");
    }
    Ok(Exit::Done)
}
