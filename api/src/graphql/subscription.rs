//! What can be listened to: facts as they become durable, from any turn on. Each listener has a place of its own in what is
//! told, and reads when its client does: nothing is queued for it, and nothing is lost between two connections.

use std::sync::Arc;

use async_graphql::{Context, Error, ID, Result, Subscription as Listening};
use futures_util::future::Either;
use futures_util::{Stream, StreamExt, stream};
use hansom_dispatcher::trace::Offered;
use hansom_dispatcher::{MarketHandle, Topic, WallClock};
use hansom_engine::RideId;
use hansom_market::ingest::{Fact, Published};

use super::code::{BAD_INPUT, LOG, error};
use super::event::{Event, Gap};
use super::query::ask::history;
use super::scalar::{Offset, Time, ride_number};
use super::seen::seen;
use crate::auth::{Forbidden, Principal, Reading};
use crate::follow::{Follow, Next};
use crate::markets::Markets;
use crate::read::ReadModels;

/// What can be listened to.
#[derive(Debug)]
pub struct Subscription;

#[Listening]
impl Subscription {
    /// Everything that a market tells.
    async fn events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which market; may be left out where there is one only.")] market: Option<String>,
        #[graphql(desc = "From this turn on; from now on if left out.")] from: Option<Offset>,
        #[graphql(desc = "After the event of this id: what a listener that comes back names.")] after: Option<ID>,
    ) -> Result<impl Stream<Item = Result<Event>> + use<>> {
        let (market, place) = (choose(ctx, market.as_deref())?, Place::of(from, after)?);
        let principal = ctx.data::<Principal>()?;
        principal.may_read(market.name(), Reading::All).map_err(not_allowed)?;
        Ok(told(principal.clone(), market, place, None, |_| Wanted::Yes))
    }

    /// What becomes of a ride. Ends when the ride does, and at once if nothing of it can come any more.
    async fn ride(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which market; may be left out where there is one only.")] market: Option<String>,
        #[graphql(desc = "Its number.")] ride: ID,
        #[graphql(desc = "From this turn on; from now on if left out.")] from: Option<Offset>,
        #[graphql(desc = "After the event of this id: what a listener that comes back names.")] after: Option<ID>,
    ) -> Result<impl Stream<Item = Result<Event>> + use<>> {
        let (market, place) = (choose(ctx, market.as_deref())?, Place::of(from, after)?);
        let number = ride_number("ride", &ride).map(RideId)?;
        let principal = ctx.data::<Principal>()?;
        principal.may_use(market.name()).map_err(not_allowed)?;
        if !principal.is_staff() {
            // Of a ride that is not known any more it is not known whose it was.
            let rider = market.rider_of(number).ok_or_else(|| error("UNKNOWN_RIDE", "no such ride is known"))?;
            principal.may_read(market.name(), Reading::Rider(&rider)).map_err(not_allowed)?;
        }
        // What is told from here on is told to this listener, so that nothing lies between the two.
        let place = Place { from: Some(place.from.unwrap_or_else(|| market.events().next())), ..place };
        if is_over(ctx, &market, number, place).await? {
            return Ok(Either::Left(stream::empty()));
        }
        Ok(Either::Right(told(principal.clone(), market, place, Some(Topic::Ride(number)), move |fact| {
            match fact.ride() == Some(number) {
                true if matches!(fact, Fact::RideEnded(_) | Fact::RequestRefused(_)) => Wanted::Last,
                true => Wanted::Yes,
                false => Wanted::No,
            }
        })))
    }

    /// The offers made to a driver, what becomes of them and of the rides that they were for, and of the driver's shift.
    async fn offers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which market; may be left out where there is one only.")] market: Option<String>,
        #[graphql(desc = "The name of the driver.")] driver: String,
        #[graphql(desc = "From this turn on; from now on if left out.")] from: Option<Offset>,
        #[graphql(desc = "After the event of this id: what a listener that comes back names.")] after: Option<ID>,
    ) -> Result<impl Stream<Item = Result<Event>> + use<>> {
        let (market, place) = (choose(ctx, market.as_deref())?, Place::of(from, after)?);
        let driver = hansom_engine::Name::from(driver.as_str());
        let principal = ctx.data::<Principal>()?;
        principal.may_read(market.name(), Reading::Driver(&driver)).map_err(not_allowed)?;
        Ok(told(principal.clone(), market, place, Some(Topic::Driver(driver.clone())), move |fact| {
            if fact.driver() == Some(&driver) { Wanted::Yes } else { Wanted::No }
        }))
    }
}

/// Whether a ride ended before this place, by the history of its market. Where that cannot be read now, it is not known to
/// have ended.
async fn is_over(ctx: &Context<'_>, market: &MarketHandle, ride: RideId, place: Place) -> Result<bool> {
    let Some(reading) = ctx.data::<Arc<ReadModels>>()?.of(market.name()) else { return Ok(false) };
    let told = market.events().next().checked_sub(1).map(Offset);
    match history(&reading, told, move |history| history.ride(ride.0)).await? {
        Ok(Some(row)) => {
            let last = row.story.last().map(|step| step.offset);
            Ok(!row.is_open() && last < place.from)
        }
        Ok(None) => Err(error("UNKNOWN_RIDE", "no such ride is known")),
        Err(_) => Ok(false),
    }
}

/// The market that is named, or the only one.
fn choose(ctx: &Context<'_>, market: Option<&str>) -> Result<MarketHandle> {
    let markets = ctx.data::<Markets>()?;
    markets.one(market).map_err(|cause| error("NO_SUCH_MARKET", cause.to_string()))
}

/// Whoever asks may not.
pub fn not_allowed(cause: Forbidden) -> Error {
    error("NOT_ALLOWED", cause.to_string())
}

/// What ends the id of a gap.
const GAP: &str = "gap";

/// Where a listener begins.
#[derive(Debug, Clone, Copy)]
struct Place {
    from: Option<u64>,
    /// Which event of that turn is the last that it has.
    after: Option<u32>,
}

impl Place {
    fn of(from: Option<Offset>, after: Option<ID>) -> Result<Self> {
        let Some(after) = after else { return Ok(Self { from: from.map(|from| from.0), after: None }) };
        let place = after.split_once('.').and_then(|(offset, index)| {
            // What was missed is the next that it wants.
            let after = if index == GAP { None } else { Some(index.parse().ok()?) };
            Some(Self { from: Some(offset.parse().ok()?), after })
        });
        place.ok_or_else(|| error(BAD_INPUT, "`after` is the id of an event, such as 12.3"))
    }

    /// Whether the listener has it already.
    fn has(&self, fact: &Published) -> bool {
        self.after.is_some_and(|index| Some(fact.offset.0) == self.from && fact.index <= index)
    }
}

/// Whether a fact is what somebody listens to.
enum Wanted {
    Yes,
    No,
    /// The turn that tells of it is the last that matters.
    Last,
}

/// What is wanted of what a market tells. A market that is closed keeps its listeners until the server lets them go, so that
/// they come back.
fn told<W: Fn(&Fact) -> Wanted + Send + 'static>(
    principal: Principal,
    market: MarketHandle,
    place: Place,
    topic: Option<Topic>,
    wanted: W,
) -> impl Stream<Item = Result<Event>> + use<W> {
    let name = market.name().to_owned();
    // Which listeners offers are for.
    let kind = match &topic {
        None => Some("events"),
        Some(Topic::Driver(_)) => Some("offers"),
        Some(Topic::Ride(_)) => None,
    };
    let follow = match topic {
        Some(topic) => Follow::topic(market.clone(), place.from, topic),
        None => Follow::live(market.clone(), place.from),
    };
    let pieces = stream::unfold(Some((follow, wanted, Vec::new())), move |listener| {
        let (name, principal, market) = (name.clone(), principal.clone(), market.clone());
        async move {
            let (mut follow, wanted, mut given) = listener?;
            if let Some(kind) = kind {
                // What it was given before it has taken.
                given.drain(..).for_each(|offer: Offered| offer.delivered(kind));
            }
            let mut last = false;
            let piece = match follow.next().await {
                Next::Told(told) => {
                    let mut piece = Vec::new();
                    for turn in told {
                        for fact in &*turn.facts {
                            let is = wanted(&fact.fact);
                            last |= matches!(is, Wanted::Last);
                            if !matches!(is, Wanted::No) && !place.has(fact) {
                                piece.extend(seen(&principal, &market, fact).map(Ok));
                                given.extend(turn.offers.iter().find(|offer| offer.is(&fact.fact)).cloned());
                            }
                        }
                        if last {
                            break;
                        }
                    }
                    piece
                }
                Next::Gap { from, until } => vec![Ok(gap(&name, from, until))],
                Next::Failed { cause, from } => {
                    last = true;
                    vec![Err(error(LOG, format!("the log cannot be read from turn {from} on: {cause}")))]
                }
                Next::Closed => std::future::pending().await,
            };
            Some((stream::iter(piece), (!last).then_some((follow, wanted, given))))
        }
    });
    pieces.flatten()
}

fn gap(market: &str, from: u64, until: u64) -> Event {
    Event::Gap(Gap {
        id: ID(format!("{from}.{GAP}")),
        market: market.to_owned(),
        offset: Offset(from),
        time: Time(WallClock::Machine.now()),
        until: Offset(until),
    })
}
