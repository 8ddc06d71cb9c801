//! `hansom serve`: markets that are open to the world, and perhaps a simulated city as their clients.

mod city;
mod folder;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_rt::System;
use actix_rt::task::spawn_blocking;
use actix_rt::time::timeout;
use hansom_api::auth::{Grant, Role, mint};
use hansom_api::read::ReadModels;
use hansom_api::{Edge, Server};
use hansom_dispatcher::{Dispatcher, MarketHandle, Spec, Standing, WallClock};
use hansom_geo_index::Millis;
use hansom_simulator::live::{LiveCity, Tally};
use hansom_simulator::report::number::grouped;
use hansom_simulator::scenario::Scenario;
use hansom_simulator::{City, MarketFile, city as streets};
use tracing::{Level, error, info};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use folder::{Change, Folders};

use super::scenario::overrides;
use crate::cli::{Access, LogFormat, Serve};
use crate::error::{Error, Exit};
use crate::http::Peer;
use crate::{access, asked_to_stop, show, small_pages};

/// A simulated city is let in for so long.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Serves until the user asks to stop, or the city is over.
pub fn run(arguments: &Serve) -> Result<Exit, Error> {
    let what = What::read(arguments)?;
    let (edge, visitor) = (access::edge(arguments)?, visitor(arguments)?);
    log(arguments.log_format);
    if let Err(cause) = small_pages() {
        tracing::warn!(%cause, "memory comes in huge pages, answers may be late");
    }
    System::new().block_on(serve(arguments, what, edge, visitor))
}

/// Folders of markets are looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is to be served.
enum What {
    /// Those of files, and of the files in folders.
    Markets(Vec<MarketFile>, Folders),
    City(Box<Scenario>),
}

impl What {
    fn read(arguments: &Serve) -> Result<Self, Error> {
        let changes = overrides(&arguments.changes)?;
        if let Some(file) = &arguments.scenario {
            return Ok(Self::City(Box::new(Scenario::load(file, &changes)?)));
        }
        let mut files = arguments.market.clone();
        let folders = Folders::of(&mut files);
        let markets = files.iter().map(|file| MarketFile::load(file, &changes));
        Ok(Self::Markets(markets.collect::<Result<_, _>>()?, folders))
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
    let house = House { dispatcher: Arc::new(Dispatcher::new()), models: Arc::new(ReadModels::default()) };
    let server = Server::open(edge, house.dispatcher.clone(), house.models.clone())?;
    let (address, handle) = (server.address(), server.handle());
    show::result(&format!("listening on {}\n", server.url()))?;
    let serving = actix_rt::spawn(server.serve());
    let done = match what {
        What::City(scenario) => attend(&scenario, arguments, &house, Peer { address, token: visitor }).await,
        What::Markets(markets, folders) => {
            let watch = Watch { folders, names: BTreeMap::new(), arguments, house: &house };
            open(&markets, watch, address).await
        }
    };
    let closed = house.dispatcher.close_all().await;
    let models = house.models;
    // They only end what they have begun: a panic of theirs was told.
    let _ = spawn_blocking(move || models.close()).await;
    handle.stop(true).await;
    // It has stopped: whatever ended it was said before.
    let _ = serving.await;
    done?;
    closed?;
    Ok(Exit::Done)
}

/// The markets of the process, and what is kept beside them.
struct House {
    dispatcher: Arc<Dispatcher>,
    models: Arc<ReadModels>,
}

/// Opens the markets, and returns when the user asks to stop; those of folders come, change and go with their files.
async fn open(markets: &[MarketFile], mut watch: Watch<'_>, address: SocketAddr) -> Result<(), Error> {
    let mut opening = Vec::new();
    for market in markets {
        let (city, _) = streets::load(market.streets())?;
        opening.push(start(market, city, WallClock::Machine, watch.arguments, watch.house)?);
    }
    // What is wrong with one that is there at the start ends the process, as with a file that was named.
    for change in watch.folders.look()? {
        if let Change::Came(file) = change {
            opening.push(watch.renew(file).await?);
        }
    }
    for market in &opening {
        serves(market).await?;
    }
    info!(%address, "ready");
    while timeout(LOOK_EVERY, asked_to_stop()).await.is_err() {
        watch.look().await;
    }
    Ok(())
}

/// The markets of folders.
struct Watch<'a> {
    folders: Folders,
    /// The market that was opened for a file.
    names: BTreeMap<PathBuf, String>,
    arguments: &'a Serve,
    house: &'a House,
}

impl Watch<'_> {
    /// Does what the files in the folders say; what cannot be done is told.
    async fn look(&mut self) {
        let changes = self.folders.look().unwrap_or_else(|cause| {
            error!(%cause, "markets stay as they are");
            Vec::new()
        });
        for change in changes {
            let done = match change {
                Change::Came(file) => self.renew(file.clone()).await.map(drop).map_err(|cause| (file, cause)),
                Change::Went(file) => self.close(&file).await.map_err(|cause| (file, cause)),
            };
            if let Err((file, cause)) = done {
                error!(file = %file.display(), %cause, "ALARM: the market of this file is not as the file says");
            }
        }
    }

    /// Opens the market of a file; if it was open under what the file said before, it is closed first. Where the file cannot be
    /// read, all stays as it is.
    async fn renew(&mut self, file: PathBuf) -> Result<MarketHandle, Error> {
        let market = MarketFile::load(&file, &overrides(&self.arguments.changes)?)?;
        let source = market.streets().clone();
        let loaded = spawn_blocking(move || streets::load(&source)).await;
        let (city, _) = loaded.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        self.close(&file).await?;
        let handle = start(&market, city, WallClock::Machine, self.arguments, self.house)?;
        self.names.insert(file, market.name().to_owned());
        Ok(handle)
    }

    /// Closes the market of a file, if one was opened.
    async fn close(&mut self, file: &Path) -> Result<(), Error> {
        if let Some(name) = self.names.remove(file) {
            let closed = self.house.dispatcher.close(&name).await;
            let models = self.house.models.clone();
            // They only end what they have begun: a panic of theirs was told.
            let _ = spawn_blocking(move || models.part(&name)).await;
            closed?;
        }
        Ok(())
    }
}

/// Opens the market of a scenario, and returns when its city is over or the user asks to stop.
async fn attend(scenario: &Scenario, arguments: &Serve, house: &House, server: Peer) -> Result<(), Error> {
    let folder = arguments.data.join(&scenario.name);
    if folder.join("log").exists() {
        return Err(Error::Begun { folder });
    }
    let (streets, _) = streets::load(&scenario.network)?;
    let people = LiveCity::new(scenario, &streets, arguments.misbehave.unwrap_or_default())?;
    let clock = WallClock::running(scenario.period.start, arguments.speed);
    let market = start(&MarketFile::of(scenario), streets, clock, arguments, house)?;
    serves(&market).await?;
    info!(address = %server.address, speed = arguments.speed, "ready");
    let name = scenario.name.clone();
    let lived = spawn_blocking(move || city::live(server, &name, people, clock)).await;
    let tally = lived.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
    Ok(show::result(&summary(&tally))?)
}

fn summary(tally: &Tally) -> String {
    let Tally { requests, others, completed, open, orders, positions, refused, misbehaved } = *tally;
    let rows = [
        ("requests", requests),
        ("others' requests", others),
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
    house: &House,
) -> Result<MarketHandle, Error> {
    let spec = Spec {
        clock,
        capacity: arguments.mailbox as usize,
        keep_positions: Millis::from_secs(i64::from(arguments.keep_positions_min) * 60),
        planner: market.planner(),
        ..Spec::new(market.header(&streets, clock.now()), streets, &arguments.data)
    };
    let market = house.dispatcher.open(spec.clone())?;
    house.models.follow(market.clone(), spec);
    Ok(market)
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
