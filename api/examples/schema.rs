//! Writes the GraphQL schema as the code has it, or compares it with the file: what `cargo xtask gen` runs.
//!
//! `schema check FILE` · `schema write FILE` · `schema write FILE --breaking`

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use hansom_api::graphql::changes::{self, Change};
use hansom_api::graphql::sdl;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (file, write, may_break) = match arguments[..] {
        ["check", file] => (file, false, false),
        ["write", file] => (file, true, false),
        ["write", file, "--breaking"] => (file, true, true),
        _ => return Err("usage: schema check FILE | schema write FILE [--breaking]".into()),
    };
    let (old, new) = (fs::read_to_string(file).unwrap_or_default(), sdl());
    if old == new {
        return Ok(ExitCode::SUCCESS);
    }
    let changes = if old.is_empty() { Vec::new() } else { changes::between(&old, &new)? };
    for change in &changes {
        eprintln!("{change}");
    }
    let breaks = changes.iter().any(Change::is_breaking);
    match (write, breaks) {
        (true, true) if !may_break => {
            eprintln!("{file} is not written: clients would break. If they shall: `cargo xtask gen --breaking`");
            Ok(ExitCode::FAILURE)
        }
        (true, _) => {
            fs::write(file, new)?;
            Ok(ExitCode::SUCCESS)
        }
        (false, true) => {
            eprintln!("{file} is not what the code says, and clients would break");
            Ok(ExitCode::FAILURE)
        }
        (false, false) => {
            eprintln!("{file} is not what the code says; no client would break: run `cargo xtask gen`");
            Ok(ExitCode::FAILURE)
        }
    }
}
