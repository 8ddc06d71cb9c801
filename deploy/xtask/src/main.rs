//! Chores of the repository, run as `cargo xtask CHORE`: what a person or a machine does to it besides building.

mod ci;
mod clients;
mod expected;
mod figures;
mod fuzz;
mod kill;
mod reference;
mod shell;
mod tidy;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use expected::Mode;
use shell::Failure;

const HELP: &str = "\
Chores of the repository. Usage: cargo xtask CHORE

  ci                  all that must pass before a change lands: format, lints, docs, tests, runs end to end, audit, clients
  test                all tests; gets the programs they run besides what cargo builds, where that is possible
  tidy                dead links, error codes without a section, backward or unused dependencies, licences
  fuzz [--seconds N] [TARGET…]
                      try changed inputs on every decoder of outside bytes, N seconds each (default: a minute)
  kill --kills N [--seed N]
                      kill a served market under load so many times, and look for what it acknowledged
  full-disk           kill a served market on a real disk that is full now and then
  figures recovery|outage [HANSOM]
                      measure a served market from outside: of the binary HANSOM, or of a release build
  gen [--check]       write docs/schemas and api/schema.graphql from the code; with --check: compare, and change nothing.
                      What would break clients of GraphQL is written only by gen --breaking
  clients [CHECK…]    GraphiQL in a browser, clients that others wrote and the apps in api/examples, against a real server; gets
                      what they need. Only the checks named: graphiql, graphql_ws, gql, apps, schemathesis
  soak --seeds N [--first S] [--threads T]
                      run the market under faults drawn from N seeds; stops at the first that fails
  expected [--check]  run every scenario and rewrite scenarios/expected/; with --check: compare, and change nothing
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = root();
    let done = match arguments[..] {
        ["ci"] => ci::run(&root),
        ["test"] => test(&root),
        ["tidy"] => tidy::run(&root),
        ["fuzz", "--seconds", seconds, ref targets @ ..] => fuzz::run(&root, seconds, targets),
        ["fuzz", ref targets @ ..] => fuzz::run(&root, fuzz::MINUTE, targets),
        ["kill", "--kills", kills] => kill::run(&root, kills, "1"),
        ["kill", "--kills", kills, "--seed", seed] => kill::run(&root, kills, seed),
        ["full-disk"] => kill::full_disk(&root),
        ["figures", what] => expected::build(&root).and_then(|built| figures::run(&root, what, &built.hansom)),
        ["figures", what, hansom] => figures::run(&root, what, hansom),
        ["gen"] => generate(&root, Mode::Rewrite, &["write"]),
        ["gen", "--breaking"] => generate(&root, Mode::Rewrite, &["write", "--breaking"]),
        ["gen", "--check"] => generate(&root, Mode::Compare, &["check"]),
        ["clients", ref checks @ ..] => expected::build(&root).and_then(|built| clients::run(&root, &built, checks)),
        ["expected"] => expected::run(&root, Mode::Rewrite),
        ["expected", "--check"] => expected::run(&root, Mode::Compare),
        ["soak", ref options @ ..] => soak(&root, options),
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(reason)) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// Runs all tests, with what they need.
fn test(root: &Path) -> shell::Result<()> {
    tools::get(root)?;
    shell::step("tests", shell::cargo(root, &["test", "--locked", "--workspace"]))
}

/// Writes or compares what is made from the code.
fn generate(root: &Path, mode: Mode, graphql: &[&str]) -> shell::Result<()> {
    reference::run(root, mode)?;
    reference::graphql(root, graphql)
}

/// Runs seeds of the fault simulation, as fast as they go.
fn soak(root: &Path, options: &[&str]) -> shell::Result<()> {
    let run = ["run", "--locked", "--release", "--package", "hansom-faults", "--bin", "soak", "--"];
    shell::step("soak", shell::cargo(root, &[&run, options].concat()))
}

/// The folder of the workspace.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("this crate is two folders below the workspace").to_owned()
}
