//! Markets: as they are, and as they were.

#![expect(clippy::unused_async, reason = "fields of a complex object are futures")]

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::{ComplexObject, Context, InputObject, Object, Result, SimpleObject};
use futures_util::future::try_join_all;
use hansom_geo_index::Millis;

use super::answer::{MarketResult, Unanswered};
use super::ask::{self, PAST, not_read, past};
use super::drivers::{Driver, DriversFilter};
use super::page::{self, DriverConnection, RideConnection};
use super::rides::Ride;
use crate::auth::{Principal, Reading as Concern};
use crate::graphql::code::{BAD_INPUT, error};
use crate::graphql::scalar::{Offset, Time};
use crate::read::{ReadModels, Reading, View};

/// How many there are of what.
#[derive(Debug, SimpleObject)]
pub struct Counts {
    /// Rides in line for a driver.
    searching: u64,
    /// Rides that nobody took, but for whose end it is too early.
    exhausted: u64,
    /// Rides that a driver is asked for.
    offered: u64,
    /// Rides whose driver comes.
    assigned: u64,
    /// Rides whose driver waits at the pickup.
    waiting: u64,
    /// Rides under way.
    on_board: u64,
    /// Drivers on shift.
    on_shift: u64,
    /// Drivers whose shift is over and who finish what they promised.
    finishing: u64,
    /// Drivers who can be given a ride at once.
    available: u64,
    /// Drivers who hold a ride and cannot be reached.
    unreachable: u64,
}

impl From<crate::read::Counts> for Counts {
    fn from(counts: crate::read::Counts) -> Self {
        let crate::read::Counts {
            searching,
            exhausted,
            offered,
            assigned,
            waiting,
            on_board,
            on_shift,
            finishing,
            available,
            unreachable,
        } = counts;
        Self { searching, exhausted, offered, assigned, waiting, on_board, on_shift, finishing, available, unreachable }
    }
}

/// A market: one city or region that is dispatched by itself, after some turn.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Market {
    /// Its name.
    name: String,
    /// What it is doing now: `opening`, `serving`, `draining`, `halted: …` or `closed`.
    standing: String,
    /// Whether it takes commands now.
    serving: bool,
    /// The turn after the last one that is shown.
    next: Offset,
    /// The time of the last turn that is shown; `null`: there was none.
    at: Option<Time>,
    /// What time it is in the market. In that of a simulated city it is the city's: the keys of orders say this time.
    now: Time,
    /// The currency of all money in it.
    currency: String,
    /// How many there are of what; `null`: the market is being opened, or this is not for whoever asks.
    counts: Option<Counts>,
    /// As it was then; `None`: as it is, of which more is told by other questions.
    #[graphql(skip)]
    past: Option<Arc<View>>,
}

#[ComplexObject]
impl Market {
    /// The rides that were open after that turn, without their stories: only of a market in the past.
    #[graphql(complexity = "page::size(first, last) * child_complexity")]
    async fn open_rides(
        &self,
        #[graphql(desc = "At most so many, from the start; 20 if nothing is said, 200 at most.")] first: Option<i64>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many, from the end.")] last: Option<i64>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Option<RideConnection>> {
        let slice = page::slice::<u32>(first, after, last, before)?;
        Ok(self.past.as_ref().map(|past| page::connection(&slice, past.open_rides(&slice), Ride::from)))
    }

    /// The drivers after that turn, in order of name: only of a market in the past.
    #[graphql(complexity = "page::size(first, last) * child_complexity")]
    async fn drivers(
        &self,
        #[graphql(desc = "Which are meant; left out: all.")] filter: Option<DriversFilter>,
        #[graphql(desc = "At most so many, from the start; 20 if nothing is said, 200 at most.")] first: Option<i64>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many, from the end.")] last: Option<i64>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Option<DriverConnection>> {
        let slice = page::slice::<String>(first, after, last, before)?;
        let filter = filter.unwrap_or_default().inside()?;
        Ok(self.past.as_ref().map(|past| {
            page::connection(&slice, past.drivers(&filter, &slice), |driver| {
                let rides = driver.rides.iter().chain(&driver.offered).filter_map(|ride| past.ride(*ride));
                let rides = rides.map(Ride::from).collect();
                Driver::of(driver, rides)
            })
        }))
    }
}

impl Market {
    /// How much is going on is for operators and services.
    fn seen_by(self, principal: &Principal) -> Self {
        Self { counts: self.counts.filter(|_| principal.is_staff()), ..self }
    }

    /// As a view shows it; `None`: there is none yet.
    fn of(reading: &Reading, view: Option<&View>) -> Self {
        let (market, reach) = (reading.market(), view.map(View::reach).unwrap_or_default());
        let standing = market.standing();
        let settings = view.map_or(&reading.spec().header.settings, |view| view.state().settings());
        Self {
            name: market.name().to_owned(),
            serving: standing.is_serving(),
            standing: standing.to_string(),
            next: Offset(reach.next),
            now: Time(reading.spec().clock.now()),
            at: (reach.next > 0).then_some(Time(Millis(reach.at_ms))),
            currency: settings.tariff.currency.to_string(),
            counts: view.map(|view| view.counts().into()),
            past: None,
        }
    }
}

/// A turn of a market.
#[derive(Debug, InputObject)]
pub struct MarketOffset {
    /// The market's name.
    market: String,
    /// The turn.
    offset: Offset,
}

/// What can be asked about markets.
#[derive(Debug, Default)]
pub struct Markets;

#[Object]
impl Markets {
    /// All markets of this process, in order of name, as they are. Each that `minOffset` names is answered as `market` answers,
    /// whether it is open or not.
    #[graphql(complexity = "(1 + child_complexity) * (1 + min_offset.as_ref().map_or(0, Vec::len))")]
    async fn markets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The answer knows of these turns, each of its market.")] min_offset: Option<Vec<MarketOffset>>,
    ) -> Result<Vec<MarketResult>> {
        let principal = ctx.data::<Principal>()?;
        let all = ctx.data::<Arc<ReadModels>>()?.all().into_iter();
        let all = all.map(|reading| reading.market().name().to_owned()).filter(|name| principal.is_of(name));
        let mut wanted: BTreeMap<String, Option<Offset>> = all.map(|name| (name, None)).collect();
        for MarketOffset { market, offset } in min_offset.unwrap_or_default() {
            let last = wanted.entry(market).or_default();
            *last = (*last).max(Some(offset));
        }
        // All wait for their turns at the same time.
        let answers = wanted.iter().map(async |(name, min_offset)| match min_offset {
            None => as_it_is(ctx, name).await,
            min_offset => shown(ctx, Some(name), *min_offset).await.map(Some),
        });
        Ok(try_join_all(answers).await?.into_iter().flatten().collect())
    }

    /// A market as it is, or as it was, which is read from its log.
    #[graphql(complexity = "1 + child_complexity + if at_offset.is_some() { PAST } else { 0 }")]
    async fn market(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "May be left out where there is one only.")] name: Option<String>,
        #[graphql(desc = "As it was after this turn.")] at_offset: Option<Offset>,
        #[graphql(desc = "The answer knows of this turn.")] min_offset: Option<Offset>,
    ) -> Result<MarketResult> {
        let Some(Offset(offset)) = at_offset else { return shown(ctx, name.as_deref(), min_offset).await };
        if min_offset.is_some() {
            return Err(error(BAD_INPUT, "give `atOffset` or `minOffset`, not both"));
        }
        let reading = match ask::reading(ctx, name.as_deref(), Concern::All)? {
            Ok(reading) => reading,
            Err(why) => return Ok(MarketResult::from(Err(why))),
        };
        let asked = reading.clone();
        let found = past(&reading, move |until| asked.past(offset, until)).await?;
        Ok(found
            .map(|view| {
                let market = Market::of(&reading, Some(&view));
                Market { past: Some(Arc::new(view)), ..market }
            })
            .into())
    }
}

/// A market of which no turn is wanted, which may be being opened; `None`: it was closed meanwhile.
async fn as_it_is(ctx: &Context<'_>, name: &str) -> Result<Option<MarketResult>> {
    let principal = ctx.data::<Principal>()?;
    let Some(reading) = ctx.data::<Arc<ReadModels>>()?.of(name) else { return Ok(None) };
    let shown = reading.view(None, |view| Market::of(&reading, Some(view))).await;
    let market = shown.unwrap_or_else(|_| Market::of(&reading, None));
    Ok(Some(MarketResult::from(Ok(market.seen_by(principal)))))
}

async fn shown(ctx: &Context<'_>, name: Option<&str>, min_offset: Option<Offset>) -> Result<MarketResult> {
    let reading = match ask::reading(ctx, name, Concern::Open)? {
        Ok(reading) => reading,
        Err(why) => return Ok(MarketResult::from(Err::<Market, Unanswered>(why))),
    };
    let principal = ctx.data::<Principal>()?;
    let shown = reading.view(min_offset.map(|offset| offset.0), |view| Market::of(&reading, Some(view))).await;
    Ok(match shown {
        Ok(market) => MarketResult::from(Ok(market.seen_by(principal))),
        Err(why) => MarketResult::from(Err(not_read(&reading, why))),
    })
}
