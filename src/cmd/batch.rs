//! `hansom batch dump`: one batch, its costs and its answer, to solve it elsewhere.

use std::fs;
use std::path::Path;

use hansom_engine::domain::Term;
use hansom_engine::planner::batch::{BatchPlanner, Solved};
use hansom_engine::planner::problem;
use hansom_engine::record::canonical::blank;
use hansom_engine::record::{Command, Event, Turn};
use hansom_engine::{Offset, State};
use serde_json::{Map, Value, json};

use super::logged::{Logged, driver_name};
use crate::cli::{Batch, BatchFormat};
use crate::error::{Error, Exit};
use crate::show;

/// Prints or writes the batch.
pub fn run(what: &Batch) -> Result<Exit, Error> {
    let Batch::Dump { log, offset, format, out } = what;
    let logged = Logged::open(log)?;
    logged.note_planner();
    let basis = basis(&logged, *offset)?;
    let state = logged.state_at(basis)?;
    let question = problem(&state.state, basis, state.at.unwrap_or(logged.header.started_at));
    let mut planner = BatchPlanner::new(logged.streets.network.clone(), logged.streets.router.clone());
    let solved = planner
        .solve(&question)
        .map_err(|source| Error::Planner(hansom_market::MarketError::Planner { basis, source }))?;
    let at = logged.stamp(question.at);
    let (object, rows) = (show::json(&as_json(&at, &state.state, basis, &solved)), as_csv(&state.state, &solved));
    match (out, format) {
        (Some(folder), _) => {
            let names = [
                write(folder, &format!("batch-{basis}.json"), &object)?,
                write(folder, &format!("batch-{basis}.csv"), &rows)?,
            ];
            show::result(&names.concat())?;
        }
        (None, BatchFormat::Json) => show::result(&object)?,
        (None, BatchFormat::Csv) => show::result(&rows)?,
    }
    Ok(Exit::Done)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<String, Error> {
    let path = folder.join(name);
    fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).map_err(Error::writing(&path))?;
    Ok(format!("{}\n", path.display()))
}

/// The turn that asked for the batch which the turn at `offset` asks for or answers.
fn basis(logged: &Logged, offset: u64) -> Result<Offset, Error> {
    let mut reader = logged.reader()?;
    let mut turn = blank();
    while reader.next(&mut turn)?.is_some() {
        let asks = asks(&turn);
        if turn.offset.0 == offset {
            match &turn.command {
                Command::Propose(proposal) => return Ok(proposal.basis),
                _ if asks => return Ok(turn.offset),
                _ => {}
            }
        } else if turn.offset.0 > offset && asks {
            return Err(Error::NoBatch { offset, next: Some(turn.offset.0) });
        }
    }
    Err(Error::NoBatch { offset, next: None })
}

fn asks(turn: &Turn) -> bool {
    turn.events.iter().any(|event| matches!(event, Event::MatchingDue { .. }))
}

/// Rows are requests, columns drivers; `arcs` holds the pairs that are allowed, with their cost in all and by term.
fn as_json(at: &str, state: &State, basis: Offset, solved: &Solved) -> Value {
    let Solved { matrix, solution, proof } = solved;
    let arcs = matrix.rows.iter().enumerate().flat_map(|(row, ride)| {
        ride.arcs.iter().map(move |arc| {
            let column = matrix.drivers.binary_search(&arc.driver).ok();
            json!({ "row": row, "column": column, "cost": arc.terms.total(), "eta_ms": arc.eta_ms, "terms": terms(&arc.terms.0) })
        })
    });
    json!({
        "offset": basis.0,
        "at": at,
        "rides": matrix.rows.iter().map(|row| row.ride.0).collect::<Vec<_>>(),
        "unserved": matrix.rows.iter().map(|row| row.unserved).collect::<Vec<_>>(),
        "drivers": matrix.drivers.iter().map(|&driver| driver_name(state, driver)).collect::<Vec<_>>(),
        "arcs": arcs.collect::<Vec<_>>(),
        "answer": solution.row_to_col,
        "row_dual": solution.row_dual,
        "col_dual": solution.col_dual,
        "total": solution.total,
        "proved_total": proof.total,
        "served": proof.served,
    })
}

fn terms(values: &[i64; Term::COUNT]) -> Map<String, Value> {
    Term::ALL
        .iter()
        .zip(values)
        .filter(|(_, value)| **value != 0)
        .map(|(term, value)| (term.name().to_owned(), (*value).into()))
        .collect()
}

/// A line for each allowed pair, and one without a driver for leaving the ride open.
fn as_csv(state: &State, solved: &Solved) -> String {
    let Solved { matrix, solution, .. } = solved;
    let mut text = "ride,driver,cost,eta_ms,chosen\n".to_owned();
    for (row, column) in matrix.rows.iter().zip(&solution.row_to_col) {
        let chosen = column.map(|column| matrix.drivers[column as usize]);
        for arc in &row.arcs {
            let (name, cost) = (driver_name(state, arc.driver), arc.terms.total());
            text += &format!("{},{name},{cost},{},{}\n", row.ride, arc.eta_ms, u8::from(chosen == Some(arc.driver)));
        }
        text += &format!("{},,{},,{}\n", row.ride, row.unserved, u8::from(chosen.is_none()));
    }
    text
}
