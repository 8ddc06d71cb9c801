//! `hansom log`: what a log holds.

use std::io::{self, Write};
use std::path::Path;

use hansom_engine::record::canonical::blank;
use hansom_engine::record::json::turn_json;
use hansom_market::log::{Listing, Reader, list};
use hansom_simulator::report::number::{bytes, grouped};

use super::logged::Logged;
use crate::cli::Log;
use crate::error::{Error, Exit};
use crate::show::{self, Table};

/// Lists, prints or verifies.
pub fn run(what: &Log) -> Result<Exit, Error> {
    match what {
        Log::Ls { log } => ls(log),
        Log::Cat { log, from, count } => cat(log, *from, *count),
        Log::Verify { log } => verify(log),
    }
}

/// The log's header and its files. A damaged one is listed as far as it can be read.
fn ls(log: &Path) -> Result<Exit, Error> {
    let listing = list(log)?;
    let zone = Logged::zone(&listing.header);
    let header = &listing.header;
    let mut text = format!(
        "{}, seed {}: rules version {}, network {}\n\n",
        header.name,
        header.seed,
        header.logic_version,
        hex(&header.network_hash)
    );
    let mut table = Table::new(vec![false, true, true, true, true, false, false]);
    table.row(["segment", "first", "turns", "pings", "size", "from", "to"]);
    for segment in &listing.segments {
        let (from, to) = segment.times.map_or_else(Default::default, |(from, to)| (zone.stamp(from), zone.stamp(to)));
        table.row([
            &segment.path.file_name().unwrap_or_default().to_string_lossy(),
            &grouped(segment.first as i64),
            &grouped(segment.turns as i64),
            &grouped(segment.pings as i64),
            &bytes(segment.bytes),
            &from,
            &to,
        ]);
    }
    text += &table.text();
    text += &totals(&listing);
    show::result(&text)?;
    match listing.fault {
        None => Ok(Exit::Done),
        Some(fault) => Err(fault.into()),
    }
}

/// Bytes in hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn totals(listing: &Listing) -> String {
    let totals = &listing.totals;
    format!(
        "\n{} turns, {} pings, {}, event chain {:032x}\n",
        grouped(totals.turns as i64),
        grouped(totals.pings as i64),
        bytes(totals.bytes),
        totals.event_chain
    )
}

/// Turns as JSON, one a line.
fn cat(log: &Path, from: u64, count: Option<u64>) -> Result<Exit, Error> {
    let mut reader = Reader::open(log)?;
    let mut turn = blank();
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut left = count.unwrap_or(u64::MAX);
    while left > 0 && reader.next(&mut turn)?.is_some() {
        if turn.offset.0 >= from {
            out.write_all(turn_json(&turn).as_bytes())?;
            out.write_all(b"\n")?;
            left -= 1;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn verify(log: &Path) -> Result<Exit, Error> {
    let listing = hansom_market::log::verify(log)?;
    show::result(&format!("{}: sound{}", log.display(), totals(&listing).replacen('\n', "; ", 1)))?;
    Ok(Exit::Done)
}
