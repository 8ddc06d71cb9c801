//! Lines are read again, and those that can be read go to the running server as if they had just come. Their keys are
//! theirs still: handed over twice, they take effect once.

use std::fs;
use std::path::Path;

use hansom_geo_index::Millis;
use hansom_market::ingest::{decode, decode_location};
use hansom_market::quarantine::{Entry, Marks};
use serde_json::Value;

use super::{Ward, find, wards};
use crate::error::{Error, Exit};
use crate::http::{Peer, escaped};
use crate::show;

/// At most so many lines go in one request.
const MOST_LINES: usize = 256;

/// Hands over the lines that `given` names, or all that wait.
pub fn run(data: &Path, given: &[String], mended: Option<&Path>, server: &Peer) -> Result<Exit, Error> {
    let wards = wards(data)?;
    let mended = mended.map(|path| fs::read(path).map_err(Error::reading(path))).transpose()?;
    let chosen: Vec<(&Ward, &Entry)> = if given.is_empty() {
        let waits = |entry: &&Entry| entry.handed_over.is_none();
        wards
            .iter()
            .flat_map(|ward| ward.listing.entries.iter().filter(waits).map(move |entry| (ward, entry)))
            .collect()
    } else {
        given.iter().map(|given| find(&wards, given)).collect::<Result<_, _>>()?
    };
    let mut left = 0;
    for ward in &wards {
        let entries: Vec<&Entry> =
            chosen.iter().filter(|(of, _)| of.market == ward.market).map(|(_, entry)| *entry).collect();
        for route in [Route::Commands, Route::Locations] {
            left += hand_over(ward, &entries, mended.as_deref(), route, server)?;
        }
    }
    if left > 0 { Err(Error::StillWaiting { left, tried: chosen.len() }) } else { Ok(Exit::Done) }
}

/// Where a kind of record goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Commands,
    Locations,
}

impl Route {
    fn path(self) -> &'static str {
        match self {
            Self::Commands => "/v1/commands",
            Self::Locations => "/v1/locations",
        }
    }
}

/// What a line is, read again: the record as one line, and where it goes; or why it still cannot be read.
fn read_again(bytes: &[u8]) -> Result<(Route, Vec<u8>), String> {
    let mut line = Vec::new();
    match decode(bytes) {
        Ok(order) => {
            order.write(&mut line);
            Ok((Route::Commands, line))
        }
        Err(malformed) => match decode_location(bytes) {
            Ok(location) => {
                location.write("quarantine", &mut line);
                Ok((Route::Locations, line))
            }
            Err(_) => Err(malformed.to_string()),
        },
    }
}

/// Hands over those of a market's lines that go to `route`; returns how many stay. Lines that cannot be read are told
/// with the commands.
fn hand_over(
    ward: &Ward,
    entries: &[&Entry],
    mended: Option<&[u8]>,
    route: Route,
    server: &Peer,
) -> Result<usize, Error> {
    let (mut lines, mut left) = (Vec::new(), 0);
    for entry in entries {
        match read_again(mended.unwrap_or(&entry.bytes)) {
            Ok((to, line)) if to == route => lines.push((*entry, line)),
            Err(why) if route == Route::Commands => {
                left += 1;
                show::result(&format!("{}/{} stays: {why}\n", ward.market, entry.id))?;
            }
            _ => {}
        }
    }
    if lines.is_empty() {
        return Ok(left);
    }
    let mut marks = Marks::open(&ward.folder)?;
    for batch in lines.chunks(MOST_LINES) {
        let body: Vec<u8> = batch.iter().flat_map(|(_, line)| line.iter().copied().chain([b'\n'])).collect();
        let answers = server.post(&format!("{}?market={}", route.path(), escaped(&ward.market)), &body)?;
        if answers.len() != batch.len() {
            let answer = format!("{} lines for {}", answers.len(), batch.len());
            return Err(Error::OtherServer { server: server.address, answer });
        }
        for ((entry, _), answer) in batch.iter().zip(answers) {
            let (done, what) = told(&answer);
            if done {
                marks.hand_over(entry.id, Millis(jiff::Timestamp::now().as_millisecond()))?;
            } else {
                left += 1;
            }
            show::result(&format!("{}/{} {what}\n", ward.market, entry.id))?;
        }
    }
    Ok(left)
}

/// Whether an answer says that the market took the line, be it to refuse it; and the answer for people.
fn told(answer: &Value) -> (bool, String) {
    let error = &answer["error"];
    let reason = error["reason"].as_str().unwrap_or("no reason given");
    match (answer["offset"].as_u64(), error["offset"].as_u64()) {
        (Some(offset), _) => (true, format!("is taken at offset {offset}")),
        (None, Some(offset)) => (true, format!("is refused at offset {offset}: {reason}")),
        (None, None) => (false, format!("stays: {reason}")),
    }
}
