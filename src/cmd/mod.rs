//! What each subcommand does: parse, wire, print.

mod compare;
mod import;
mod scenario;
mod simulate;

use crate::cli::Command;
use crate::error::{Error, Exit};

/// Does what was typed.
pub fn run(command: Command) -> Result<Exit, Error> {
    match command {
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Import(what) => import::run(&what),
        Command::Scenario(what) => scenario::run(&what),
    }
}
