//! `hansom replay`: a log read back, folded or decided again; or run again under other rules.

mod other;

use std::time::Instant;

use hansom_engine::RideId;
use hansom_engine::domain::Money;
use hansom_engine::projection::timeline::Timeline;
use hansom_engine::{Offset, State, Turn};
use hansom_geo_index::Millis;
use hansom_market::replay::{Check, Divergence, ReplayError, Replayed, Until, fold, redecide};
use hansom_simulator::report::number::{fixed, grouped, money};
use serde_json::{Value, json};

use super::logged::{Logged, known_ride};
use crate::cli::{Format, Replay};
use crate::error::{Error, Exit};
use crate::show;

/// Reads the log back and says where it leads; with a ride, that ride's story.
pub fn run(arguments: &Replay) -> Result<Exit, Error> {
    let changes = arguments.changes();
    if !changes.set.is_empty() {
        return other::run(arguments, &changes);
    }
    let until = arguments.until.as_deref().map_or(Ok(Until::End), until)?;
    let logged = Logged::open(&arguments.log)?;
    let mut story = arguments.ride.map(|ride| Timeline::new(RideId(ride)));
    let tariff = &logged.scenario.tariff;
    let amount = |amount: Money| money(amount.0, tariff.exponent, &tariff.currency);
    let began = Instant::now();
    let replayed = read(&logged, until, arguments.verify, &mut |_, turn| {
        if let Some(story) = &mut story {
            story.take(turn, &amount);
        }
    })?;
    let took_s = began.elapsed().as_secs_f64();
    let agrees = match until {
        Until::End => agrees(&logged, &replayed)?,
        Until::Time(_) | Until::Offset(_) => false,
    };
    let story = story.as_ref().map(|story| told(&logged, &replayed, arguments.ride.unwrap_or(0), story)).transpose()?;
    let text = match arguments.format {
        Format::Json => show::json(&as_json(arguments, &logged, &replayed, story.as_deref(), took_s)),
        Format::Text => match &story {
            Some(lines) => lines.join("\n") + "\n",
            None => summary(arguments, &logged, &replayed, agrees, took_s),
        },
    };
    show::result(&text)?;
    Ok(Exit::Done)
}

fn read(logged: &Logged, until: Until, verify: bool, visit: &mut dyn FnMut(&State, &Turn)) -> Result<Replayed, Error> {
    let mut reader = logged.reader()?;
    let replayed = if verify {
        redecide(&mut reader, &logged.streets, until, Check::EngineAndPlanner, visit)
    } else {
        fold(&mut reader, &logged.streets.network, until, visit)
    };
    if let Err(ReplayError::Diverged(divergence)) = &replayed {
        both_sides(logged, divergence)?;
    }
    Ok(replayed?)
}

/// What the log says and what is decided now, each as a line of JSON.
fn both_sides(logged: &Logged, divergence: &Divergence) -> Result<(), Error> {
    let Divergence { offset, at, logged: log, decided, .. } = divergence;
    show::result(&format!("offset {offset} at {}\nlogged:  {log}\ndecided: {decided}\n", logged.stamp(*at)))?;
    Ok(())
}

/// Whether there is a summary of the run, to which the log has to lead.
fn agrees(logged: &Logged, replayed: &Replayed) -> Result<bool, Error> {
    let Some(summary) = logged.summary() else { return Ok(false) };
    for (key, found) in [("event_chain", chain(replayed)), ("state_digest", digest(replayed))] {
        let expected = summary.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        if found != expected {
            return Err(Error::OtherSummary { key, found, expected });
        }
    }
    Ok(true)
}

fn chain(replayed: &Replayed) -> String {
    format!("{:032x}", replayed.event_chain)
}

fn digest(replayed: &Replayed) -> String {
    format!("{:032x}", replayed.state.digest())
}

/// The lines of a ride's story.
fn told(logged: &Logged, replayed: &Replayed, ride: u32, story: &Timeline) -> Result<Vec<String>, Error> {
    known_ride(&replayed.state, ride)?;
    Ok(story.lines().iter().map(|line| format!("{}  {}", logged.stamp(line.at), line.text)).collect())
}

fn summary(arguments: &Replay, logged: &Logged, replayed: &Replayed, agrees: bool, took_s: f64) -> String {
    let how = if arguments.verify { "decided again" } else { "folded" };
    let mut text = format!(
        "{} turns and {} pings {how} in {} s",
        grouped(replayed.turns as i64),
        grouped(replayed.pings as i64),
        fixed(took_s, 2)
    );
    text += &format!(" ({} turns a second)\n", fixed(replayed.turns as f64 / took_s, 0));
    if let Some(at) = replayed.at {
        text += &format!("up to         {}\n", logged.stamp(at));
    }
    text += &format!("event chain   {}\nstate digest  {}\n", chain(replayed), digest(replayed));
    if arguments.verify {
        text += "every turn is decided as logged\n";
    }
    if agrees {
        text += "summary.json of the run says the same\n";
    }
    text
}

fn as_json(arguments: &Replay, logged: &Logged, replayed: &Replayed, story: Option<&[String]>, took_s: f64) -> Value {
    json!({
        "turns": replayed.turns, "pings": replayed.pings, "at": replayed.at.map(|at| logged.stamp(at)),
        "event_chain": chain(replayed), "state_digest": digest(replayed), "verified": arguments.verify,
        "wall_s": took_s, "ride": arguments.ride, "story": story,
    })
}

/// An instant in RFC 3339, or the offset of a turn.
fn until(given: &str) -> Result<Until, Error> {
    if let Ok(offset) = given.parse() {
        return Ok(Until::Offset(Offset(offset)));
    }
    let instant: jiff::Timestamp = given.parse().map_err(|_| Error::NoTime { given: given.to_owned() })?;
    Ok(Until::Time(Millis(instant.as_millisecond())))
}
