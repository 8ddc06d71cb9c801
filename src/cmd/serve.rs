//! `hansom serve`: markets that are open to the world, and perhaps a simulated city as their clients.

mod city;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::System;
use actix_rt::task::spawn_blocking;
use hansom_api::auth::{Grant, Role, mint};
use hansom_api::{Edge, Server};
use hansom_dispatcher::{Dispatcher, MarketHandle, Spec, Standing, WallClock};
use hansom_geo_index::Millis;
use hansom_simulator::live::{LiveCity, Tally};
use hansom_simulator::report::number::grouped;
use hansom_simulator::scenario::Scenario;
use hansom_simulator::{City, MarketFile, city as streets};
use tracing::{Level, info};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::scenario::overrides;
use crate::cli::{Access, LogFormat, Serve};
use crate::error::{Error, Exit};
use crate::http::Peer;
use crate::{access, asked_to_stop, show};

/// A simulated city is let in for so long.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Serves until the user asks to stop, or the city is over.
pub fn run(arguments: &Serve) -> Result<Exit, Error> {
    let what = What::read(arguments)?;
    let (edge, visitor) = (access::edge(arguments)?, visitor(arguments)?);
    log(arguments.log_format);
    System::new().block_on(serve(arguments, what, edge, visitor))
}

/// What is to be served.
enum What {
    Markets(Vec<MarketFile>),
    City(Box<Scenario>),
}

impl What {
    fn read(arguments: &Serve) -> Result<Self, Error> {
        let changes = overrides(&arguments.changes)?;
        if let Some(file) = &arguments.scenario {
            return Ok(Self::City(Box::new(Scenario::load(file, &changes)?)));
        }
        let markets = arguments.market.iter().map(|file| MarketFile::load(file, &changes));
        Ok(Self::Markets(markets.collect::<Result<_, _>>()?))
    }
}

/// The token by which the simulated city is let in, where one is needed.
fn visitor(arguments: &Serve) -> Result<Option<String>, Error> {
    let Access { insecure_dev, auth_secret_file, token, .. } = &arguments.access;
    if *insecure_dev || arguments.scenario.is_none() {
        return Ok(None);
    }
    let secret = access::secret(auth_secret_file.as_deref())?.ok_or(Error::NoSecret)?;
    let grant = Grant {
        name: "simulated-city".to_owned(),
        roles: vec![Role::Service],
        markets: Vec::new(),
        life: A_YEAR,
        expected: access::expected(token),
    };
    Ok(Some(mint(&secret, &grant)))
}

async fn serve(arguments: &Serve, what: What, edge: Edge, visitor: Option<String>) -> Result<Exit, Error> {
    let dispatcher = Arc::new(Dispatcher::new());
    let tracing = edge.tracing.clone();
    let server = Server::open(edge, dispatcher.clone())?;
    let (address, handle) = (server.address(), server.handle());
    show::result(&format!("listening on {}\n", server.url()))?;
    let serving = actix_rt::spawn(server.serve());
    let done = match what {
        What::City(scenario) => attend(&scenario, arguments, &dispatcher, Peer { address, token: visitor }).await,
        What::Markets(markets) => open(&markets, arguments, &dispatcher, address).await,
    };
    let closed = dispatcher.close_all().await;
    handle.stop(true).await;
    // It has stopped: whatever ended it was said before.
    let _ = serving.await;
    if let Some(tracing) = tracing {
        tracing.end();
    }
    done?;
    closed?;
    Ok(Exit::Done)
}

/// Opens the markets, and returns when the user asks to stop.
async fn open(
    markets: &[MarketFile],
    arguments: &Serve,
    dispatcher: &Dispatcher,
    address: SocketAddr,
) -> Result<(), Error> {
    let mut opening = Vec::new();
    for market in markets {
        let (city, _) = streets::load(market.streets())?;
        opening.push(start(market, city, WallClock::Machine, arguments, dispatcher)?);
    }
    for market in &opening {
        serves(market).await?;
    }
    info!(%address, "ready");
    asked_to_stop().await;
    Ok(())
}

/// Opens the market of a scenario, and returns when its city is over or the user asks to stop.
async fn attend(scenario: &Scenario, arguments: &Serve, dispatcher: &Dispatcher, server: Peer) -> Result<(), Error> {
    let folder = arguments.data.join(&scenario.name);
    if folder.join("log").exists() {
        return Err(Error::Begun { folder });
    }
    let (streets, _) = streets::load(&scenario.network)?;
    let people = LiveCity::new(scenario, &streets, arguments.misbehave.unwrap_or_default())?;
    let clock = WallClock::running(scenario.period.start, arguments.speed);
    let market = start(&MarketFile::of(scenario), streets, clock, arguments, dispatcher)?;
    serves(&market).await?;
    info!(address = %server.address, speed = arguments.speed, "ready");
    let name = scenario.name.clone();
    let lived = spawn_blocking(move || city::live(server, &name, people, clock)).await;
    let tally = lived.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
    Ok(show::result(&summary(&tally))?)
}

fn summary(tally: &Tally) -> String {
    let Tally { requests, completed, open, orders, positions, refused, misbehaved } = *tally;
    let rows = [
        ("requests", requests),
        ("completed", completed),
        ("not over", open),
        ("orders sent", orders),
        ("positions sent", positions),
        ("orders refused", refused),
        ("misbehaviours", misbehaved),
    ];
    let mut text = String::new();
    for (what, count) in rows {
        text += &format!("{what:<16}{:>12}\n", grouped(count as i64));
    }
    text
}

fn start(
    market: &MarketFile,
    streets: City,
    clock: WallClock,
    arguments: &Serve,
    dispatcher: &Dispatcher,
) -> Result<MarketHandle, Error> {
    let spec = Spec {
        header: market.header(&streets, clock.now()),
        streets,
        folder: arguments.data.join(market.name()),
        clock,
        capacity: arguments.mailbox as usize,
        keep_positions: Millis::from_secs(i64::from(arguments.keep_positions_min) * 60),
        keep_told_bytes: hansom_dispatcher::KEEP_TOLD_BYTES,
        rules: None,
        reopen_after: hansom_dispatcher::REOPEN_AFTER,
    };
    Ok(dispatcher.open(spec)?)
}

/// Returns once a market takes commands.
async fn serves(market: &MarketHandle) -> Result<(), Error> {
    match market.ready().await {
        Standing::Halted { cause } => Err(Error::Halted { name: market.name().to_owned(), cause }),
        _ => Ok(()),
    }
}

/// Prints what the program tells of itself to stderr, panics that were caught too.
fn log(format: LogFormat) {
    // What the HTTP server tells of its threads is nobody's business.
    let wanted = Targets::new().with_default(Level::INFO).with_target("actix_server", Level::WARN);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    match format {
        LogFormat::Text => tracing_subscriber::registry().with(wanted).with(lines).init(),
        LogFormat::Json => tracing_subscriber::registry().with(wanted).with(lines.json()).init(),
    }
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a fault of the program")));
}
