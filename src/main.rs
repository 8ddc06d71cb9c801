//! Hansom: a ride-hailing dispatcher, and the city simulator that proves it.
//!
//! This crate is the command line: [`cli`] says what can be typed, [`cmd`] does it, a file a subcommand, [`show`] prints,
//! [`access`] reads keys and tokens, [`http`] talks to a server, [`mod@bench`] measures one, [`error`] names what went wrong with its code, its hint and its exit code. It knows how to wire the other crates
//! together; refuses to know what a dispatcher does.

#![expect(clippy::format_push_string, reason = "texts for people are short, and read better as one expression a line")]

mod access;
mod bench;
mod cli;
mod cmd;
mod error;
mod http;
mod show;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use tokio::sync::Notify;

use error::{Error, Exit};

/// Turns are made in one thread and dropped in another, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// From here on this process, and each that it starts, gets its memory in pages of the usual size.
///
/// The allocator asks for huge ones, which the system fills with zeros when they are first touched. That is fine for who
/// computes; who answers is late by it, and keeps more than is used.
fn small_pages() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::thread::disable_transparent_huge_pages(true)?;
    Ok(())
}

/// Whether the user has asked to stop.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Wakes who waits for that.
static STOP: Notify = Notify::const_new();

fn main() -> ExitCode {
    let arguments = cli::Cli::parse();
    std::panic::set_hook(Box::new(|panic| error::internal(panic).print()));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        listen(arguments.command.ends_in_order())?;
        cmd::run(arguments.command)
    }));
    match outcome {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(error)) => {
            error.print();
            error.exit().into()
        }
        // The hook has printed it.
        Err(_) => Exit::Failed.into(),
    }
}

/// From now on the first Ctrl-C asks for an orderly end, if there is one, and a second one ends the process at once.
fn listen(in_order: bool) -> Result<(), Error> {
    ctrlc::set_handler(move || {
        if !in_order || INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted as i32);
        }
        STOP.notify_one();
        show::note("stopping: one more Ctrl-C ends at once, without a report");
    })
    .map_err(Error::Signals)
}

/// Whether the user has asked to stop. Long work looks at it now and then and ends in good order.
fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Returns once the user has asked to stop. One may wait for it.
async fn asked_to_stop() {
    STOP.notified().await;
}
