//! `hansom why-not`: why a driver did not get a ride, and the least change that would have given it to him.

use std::collections::BTreeSet;

use hansom_engine::domain::{Name, Offset};
use hansom_engine::lifecycle::session::Status;
use hansom_engine::planner::problem;
use hansom_engine::projection::why::Decision;
use hansom_engine::projection::why_not::{self, WhyNot as Lacked};
use hansom_engine::record::Event;
use hansom_engine::record::canonical::blank;
use hansom_engine::state::Comms;
use hansom_engine::{RideId, State};
use hansom_geo_index::Millis;
use hansom_market::MarketError;
use hansom_market::replay::{Until, fold};
use hansom_market::why::Scene;
use hansom_simulator::report::number::{fixed, grouped};
use hansom_simulator::scenario::nearest;
use serde_json::{Value, json};

use super::logged::{Logged, driver_name, known_ride};
use super::why::{decisions, hands, order, revisit};
use crate::cli::{Format, WhyNot};
use crate::error::{Error, Exit};
use crate::show;

/// An offer of the ride, and what the driver lacked to get it.
#[derive(Debug)]
struct Lost {
    /// What was decided: an offer, or to leave the ride open.
    decision: Option<Decision>,
    at: Millis,
    /// Or why he was not among those who could be asked.
    lacked: Result<Lacked, String>,
    /// Who was chosen, by name.
    chosen: Option<String>,
}

/// Explains each offer of the ride that the driver did not get.
pub fn run(arguments: &WhyNot) -> Result<Exit, Error> {
    let logged = Logged::open(&arguments.log)?;
    logged.note_planner();
    let ride = RideId(arguments.ride);
    let driver = Name::from(arguments.driver.as_str());
    known_driver(&logged, &arguments.driver)?;
    let decisions = decisions(&logged, ride)?;
    let mut lost = Vec::new();
    let state = revisit(&logged, ride, &decisions, |scene, decision| {
        lost.push(look(scene, ride, &driver, decision.basis, Some(decision))?);
        Ok(())
    })?;
    known_ride(&state, arguments.ride)?;
    if decisions.is_empty() {
        lost.extend(left_open(&logged, ride, &driver)?);
    }
    lost.sort_by_key(|lost: &Lost| lost.decision.as_ref().map(order));
    match arguments.format {
        Format::Text => show::result(&text(&logged, arguments, &lost))?,
        Format::Json => show::result(&show::json(&as_json(&logged, arguments, &lost)))?,
    }
    Ok(Exit::Done)
}

/// Refuses a driver who never was on shift.
fn known_driver(logged: &Logged, driver: &str) -> Result<(), Error> {
    let mut reader = logged.reader()?;
    let mut turn = blank();
    let mut names: BTreeSet<String> = BTreeSet::new();
    while reader.next(&mut turn)?.is_some() {
        for event in &turn.events {
            if let Event::ShiftStarted(started) = event {
                if &*started.name.0 == driver {
                    return Ok(());
                }
                names.insert(started.name.to_string());
            }
        }
    }
    let suggestion = nearest(driver, names.iter().map(String::as_str)).map(str::to_owned);
    Err(Error::NoDriver { driver: driver.to_owned(), suggestion })
}

/// The last time that a ride without any offer could have had one: the last batch it was in, or when it was asked for.
fn left_open(logged: &Logged, ride: RideId, driver: &Name) -> Result<Option<Lost>, Error> {
    let mut last = None;
    let mut reader = logged.reader()?;
    fold(&mut reader, &logged.streets.network, Until::End, |state, turn| {
        for event in &turn.events {
            match event {
                Event::MatchingDue { basis, .. } if state.line().any(|waiting| waiting == ride) => {
                    last = Some((turn.offset, Some(*basis)));
                }
                Event::RideRequested(asked) if asked.ride == ride => last = Some((turn.offset, None)),
                _ => {}
            }
        }
    })?;
    let Some((offset, basis)) = last else { return Ok(None) };
    let then = logged.state_at(offset)?;
    let (state, at) = (&then.state, then.at.unwrap_or(logged.header.started_at));
    let (mut desk, mut planner) = hands(logged);
    look(Scene { desk: &mut desk, planner: &mut planner, state, at }, ride, driver, basis, None).map(Some)
}

/// What the driver lacked on the state on which an offer was decided.
fn look(
    scene: Scene<'_>,
    ride: RideId,
    driver: &Name,
    basis: Option<Offset>,
    decision: Option<&Decision>,
) -> Result<Lost, Error> {
    let Scene { desk, planner, state, at } = scene;
    let lacked = match (state.fleet().by_name(driver), basis) {
        (None, _) => None,
        (Some(id), None) => why_not::nearest(desk, state, at, ride, id),
        (Some(id), Some(basis)) => why_not::batch(planner, &problem(state, basis, at), ride, id)
            .map_err(|source| Error::Planner(MarketError::Planner { basis, source }))?,
    };
    Ok(Lost {
        decision: decision.cloned(),
        at,
        lacked: lacked.ok_or_else(|| absent(state, driver)),
        chosen: decision.map(|decision| driver_name(state, decision.offer.driver)),
    })
}

/// Why a driver was not among those who could be asked.
fn absent(state: &State, driver: &Name) -> String {
    let Some(driver) = state.fleet().by_name(driver).and_then(|id| state.fleet().get(id)) else {
        return "had not been on shift yet".to_owned();
    };
    match (driver.session, driver.comms, driver.offered, driver.plan.next()) {
        (Status::Off, ..) => "was off shift".to_owned(),
        (Status::Finishing, ..) => "was about to end the shift".to_owned(),
        (_, Comms::Dark, ..) => "could not be reached".to_owned(),
        (_, _, Some(ride), _) => format!("was asked for ride {ride}"),
        (_, _, None, Some(stop)) => format!("was busy with ride {}, not near its end", stop.ride),
        (_, _, None, None) => "was not among the vehicles of the question".to_owned(),
    }
}

fn text(logged: &Logged, arguments: &WhyNot, lost: &[Lost]) -> String {
    let WhyNot { ride, driver, .. } = arguments;
    if lost.is_empty() {
        return format!("ride {ride} never waited for a driver; `hansom replay … --ride {ride}` tells its story\n");
    }
    let mut text = String::new();
    for (n, it) in lost.iter().enumerate() {
        let chosen = it.chosen.as_deref().unwrap_or("nobody");
        text += if n > 0 { "\n" } else { "" };
        text += &match &it.decision {
            Some(decision) => format!("ride {ride}, offer {}: to driver {chosen}", decision.offer.epoch),
            None => format!("ride {ride}, never offered: left open"),
        };
        text += &format!(", decided at {}\n", logged.stamp(it.at));
        text += &match &it.lacked {
            Err(why) => format!("{driver} {why}\n"),
            Ok(_) if chosen == driver => format!("{driver} got it\n"),
            Ok(lacked) => changes(driver, lacked),
        };
    }
    text
}

/// What would have changed it, in words.
fn changes(driver: &str, lacked: &Lacked) -> String {
    let Lacked { eta_ms, terms, lifted, nearer_ms, cheaper, .. } = lacked;
    let mut text = format!("{driver} would have been there in {}, cost {}\n", seconds(*eta_ms), grouped(terms.total()));
    if let Some(rule) = lifted {
        text += &format!("ruled out: {rule}\n");
    }
    let with = if lifted.is_some() { "with that rule lifted, " } else { "" };
    text += &match (nearer_ms, cheaper) {
        (Some(0), _) | (_, Some(0)) => format!("{with}{driver} would have got it\n"),
        (Some(nearer), _) => format!("{with}{driver} would have got it {} nearer\n", seconds(*nearer)),
        (None, _) => format!("{with}{driver} would not have got it even at the pickup\n"),
    };
    match cheaper {
        Some(0) => {}
        Some(less) => text += &format!("{with}{driver} would have got it if that had cost {} less\n", grouped(*less)),
        None => text += &format!("{with}no cost would have given it to {driver} from there\n"),
    }
    text
}

fn seconds(ms: i64) -> String {
    format!("{} s", fixed(ms as f64 / 1000.0, 3))
}

fn as_json(logged: &Logged, arguments: &WhyNot, lost: &[Lost]) -> Value {
    let offer = |it: &Lost| {
        let lacked = it.lacked.as_ref().ok();
        json!({
            "offer": it.decision.as_ref().map(|decision| decision.offer.epoch.0), "chosen": it.chosen,
            "at": logged.stamp(it.at),
            "offset": it.decision.as_ref().map(|decision| decision.made.0),
            "basis": it.decision.as_ref().and_then(|decision| decision.basis).map(|Offset(basis)| basis),
            "absent": it.lacked.as_ref().err(),
            "eta_ms": lacked.map(|lacked| lacked.eta_ms), "cost": lacked.map(|lacked| lacked.terms.total()),
            "ruled_out": lacked.and_then(|lacked| lacked.lifted).map(|rule| rule.to_string()),
            "nearer_ms": lacked.and_then(|lacked| lacked.nearer_ms), "cheaper": lacked.and_then(|lacked| lacked.cheaper),
        })
    };
    json!({ "ride": arguments.ride, "driver": arguments.driver, "offers": lost.iter().map(offer).collect::<Vec<_>>() })
}
