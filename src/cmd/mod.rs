//! What each subcommand does: parse, wire, print.

mod batch;
mod bench;
mod compare;
mod gate;
mod history;
mod import;
mod log;
mod logged;
mod quarantine;
mod replay;
mod rerun;
mod scenario;
mod serve;
mod simulate;
mod token;
mod why;
mod why_not;

use crate::cli::Command;
use crate::error::{Error, Exit};

/// Does what was typed.
pub fn run(command: Command) -> Result<Exit, Error> {
    match command {
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Gate(arguments) => gate::run(&arguments),
        Command::Why(arguments) => why::run(&arguments),
        Command::WhyNot(arguments) => why_not::run(&arguments),
        Command::Batch(what) => batch::run(&what),
        Command::Log(what) => log::run(&what),
        Command::Quarantine(what) => quarantine::run(&what),
        Command::Import(what) => import::run(&what),
        Command::History(what) => history::run(&what),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Token(arguments) => token::run(&arguments),
        Command::Scenario(what) => scenario::run(&what),
    }
}
