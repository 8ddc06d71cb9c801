//! `hansom-fuzz SECONDS FOLDER [TARGET…]`: fuzzes each target for so long. What goes wrong is written to the folder, and
//! ends the program with 1. `hansom-fuzz replay TARGET FILE` tries one input again.

use hansom_fuzz::memory::Watched;
use hansom_fuzz::session::{Finding, Session};
use hansom_fuzz::targets::{Target, targets};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// Where the draws start: the same inputs in the same order, as far as the time goes.
const SEED: u64 = 1;
/// An input that takes this long will not come back.
const HANGS: Duration = Duration::from_secs(20);

/// Counts inputs, for the watchman.
static TRIED: AtomicU64 = AtomicU64::new(0);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let all = targets();
    let named = |name: &str| all.iter().find(|target| target.name == name);
    match &arguments[..] {
        [word, name, file] if word == "replay" => {
            let (Some(target), Ok(input)) = (named(name), fs::read(file)) else { return usage(&all) };
            report(Session::new(target, SEED).add(input).err().map(|finding| (target, finding)), None)
        }
        [seconds, folder, names @ ..] => {
            let Ok(seconds) = seconds.parse() else { return usage(&all) };
            let chosen: Vec<&Target> = if names.is_empty() {
                all.iter().collect()
            } else {
                names.iter().filter_map(|name| named(name)).collect()
            };
            if chosen.len() < names.len() {
                return usage(&all);
            }
            std::panic::set_hook(Box::new(|_| {}));
            watch();
            let found = chosen
                .into_iter()
                .filter_map(|target| Some((target, fuzz(target, Duration::from_secs(seconds)).err()?)));
            found.map(|found| report(Some(found), Some(Path::new(folder)))).fold(ExitCode::SUCCESS, |_, failed| failed)
        }
        _ => usage(&all),
    }
}

fn usage(all: &[Target]) -> ExitCode {
    let names: Vec<&str> = all.iter().map(|target| target.name).collect();
    eprintln!("hansom-fuzz SECONDS FOLDER [TARGET…] | replay TARGET FILE\ntargets: {}", names.join(" "));
    ExitCode::from(2)
}

fn fuzz(target: &Target, time: Duration) -> Result<(), Finding> {
    let end = Instant::now() + time;
    let mut session = Session::new(target, SEED);
    for seed in (target.seeds)() {
        session.add(seed)?;
    }
    while Instant::now() < end {
        session.step()?;
        TRIED.fetch_add(1, Ordering::Relaxed);
    }
    let figures = session.figures();
    println!(
        "{:<12} {:>9} inputs, {:>5.1} % taken, {:>5} kept, {:>6} classes of counts",
        target.name,
        figures.inputs,
        figures.taken as f64 * 100.0 / figures.inputs as f64,
        figures.kept,
        figures.classes
    );
    Ok(())
}

/// Ends the program when an input does not come back. Which one it is follows from the seed: the same run meets it again.
fn watch() {
    thread::spawn(|| {
        let mut before = u64::MAX;
        loop {
            thread::sleep(HANGS);
            let tried = TRIED.load(Ordering::Relaxed);
            if tried == before {
                eprintln!("an input does not come back after {} s: number {tried} of this run", HANGS.as_secs());
                std::process::exit(1);
            }
            before = tried;
        }
    });
}

fn report(found: Option<(&Target, Finding)>, folder: Option<&Path>) -> ExitCode {
    let Some((target, Finding { input, what })) = found else { return ExitCode::SUCCESS };
    println!("{}: {what}", target.name);
    if let Some(folder) = folder {
        let file = folder.join(format!("{}-{:016x}", target.name, xxhash_rust::xxh3::xxh3_64(&input)));
        match fs::create_dir_all(folder).and_then(|()| fs::write(&file, input)) {
            Ok(()) => println!("the input is in {}", file.display()),
            Err(error) => println!("the input cannot be kept in {}: {error}", file.display()),
        }
    }
    ExitCode::FAILURE
}
