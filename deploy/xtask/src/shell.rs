//! Running other programs, and reading and writing files, with errors that say what was tried.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Why a chore was not done; a sentence.
#[derive(Debug)]
pub struct Failure(pub String);

/// What a chore comes to.
pub type Result<T> = std::result::Result<T, Failure>;

/// A program with its arguments, to be run in `folder`.
pub fn command(folder: &Path, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    command
}

/// Cargo with its arguments, the one that runs this program where there is one.
pub fn cargo(folder: &Path, arguments: &[&str]) -> Command {
    command(folder, &std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), arguments)
}

/// Runs `command` with its output on ours, under a headline that says what for.
pub fn step(headline: &str, mut command: Command) -> Result<()> {
    eprintln!("\n== {headline}: {}", line(&command));
    let start = Instant::now();
    let status = command.status().map_err(|error| Failure(format!("cannot run {}: {error}", line(&command))))?;
    eprintln!("== {headline}: {:.1} s", start.elapsed().as_secs_f64());
    if status.success() { Ok(()) } else { Err(Failure(format!("{headline} failed: {} ({status})", line(&command)))) }
}

/// What `command` writes to stdout; what it writes to stderr is in the failure.
pub fn output(mut command: Command) -> Result<String> {
    let output = command.output().map_err(|error| Failure(format!("cannot run {}: {error}", line(&command))))?;
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if output.status.success() {
        Ok(stdout)
    } else {
        Err(Failure(format!("{} failed ({}):\n{stderr}", line(&command), output.status)))
    }
}

/// The text of a file.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| Failure(format!("cannot read {}: {error}", path.display())))
}

/// Makes `text` the content of a file.
pub fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|error| Failure(format!("cannot write {}: {error}", path.display())))
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
