//! `hansom serve`: markets that are open to the world.

use std::path::Path;
use std::sync::Arc;

use actix_rt::System;
use hansom_api::Server;
use hansom_dispatcher::{Dispatcher, MarketHandle, Spec, Standing, WallClock};
use hansom_simulator::scenario::Override;
use hansom_simulator::{MarketFile, city};
use tracing::info;

use super::scenario::overrides;
use crate::cli::{LogFormat, Serve};
use crate::error::{Error, Exit};
use crate::{asked_to_stop, show};

/// Serves until the user asks to stop.
pub fn run(arguments: &Serve) -> Result<Exit, Error> {
    log(arguments.log_format);
    let changes = overrides(&arguments.changes)?;
    System::new().block_on(serve(arguments, &changes))
}

async fn serve(arguments: &Serve, changes: &[Override]) -> Result<Exit, Error> {
    let dispatcher = Arc::new(Dispatcher::new());
    let server = Server::open(arguments.listen, dispatcher.clone())?;
    let (address, handle) = (server.address(), server.handle());
    let serving = actix_rt::spawn(server.serve());
    show::result(&format!("listening on http://{address}\n"))?;
    let opened = open(arguments, changes, &dispatcher).await;
    if opened.is_ok() {
        info!(%address, "ready");
        asked_to_stop().await;
    }
    let closed = dispatcher.close_all().await;
    handle.stop(true).await;
    // It has stopped: whatever ended it was said before.
    let _ = serving.await;
    opened?;
    closed?;
    Ok(Exit::Done)
}

/// Opens all markets and waits until they serve.
async fn open(arguments: &Serve, changes: &[Override], dispatcher: &Dispatcher) -> Result<(), Error> {
    let mut opening = Vec::new();
    for file in &arguments.market {
        opening.push(start(file, arguments, changes, dispatcher)?);
    }
    for market in opening {
        if let Standing::Halted { cause } = market.ready().await {
            return Err(Error::Halted { name: market.name().to_owned(), cause });
        }
    }
    Ok(())
}

fn start(file: &Path, arguments: &Serve, changes: &[Override], dispatcher: &Dispatcher) -> Result<MarketHandle, Error> {
    let market = MarketFile::load(file, changes)?;
    let (city, _) = city::load(market.streets())?;
    let clock = WallClock::Machine;
    let spec = Spec {
        header: market.header(&city, clock.now()),
        streets: city,
        folder: arguments.data.join(market.name()),
        clock,
        capacity: arguments.mailbox as usize,
    };
    Ok(dispatcher.open(spec)?)
}

/// Prints what the program tells of itself to stderr.
fn log(format: LogFormat) {
    let lines = tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::INFO);
    match format {
        LogFormat::Text => lines.with_ansi(false).init(),
        LogFormat::Json => lines.json().init(),
    }
}
