//! Rides, with their stories.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use hansom_engine::Name;
use hansom_geo_index::{Coord, Millis};

use super::answer::{RideResult, RidesResult};
use super::ask::{self, history};
use super::page;
use crate::auth::{Principal, Reading as Concern};
use crate::graphql::code::{BAD_INPUT, error};
use crate::graphql::scalar::{Key, Minor, Offset, Place, Time, ride_number};
use crate::graphql::seen;
use crate::read::history::{self as rows, RideFilter, Status, What};

/// Where a ride is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Status")]
pub enum RideStatus {
    /// In line for a driver.
    Searching,
    /// All offers were made and failed.
    Exhausted,
    /// Offered to a driver, who has not answered.
    Offered,
    /// A driver accepted and comes.
    Assigned,
    /// The driver waits at the pickup.
    Waiting,
    /// The rider is in the vehicle.
    OnBoard,
    /// Brought to the destination.
    Completed,
    /// The trip ended away from the destination.
    EndedEarly,
    /// The rider cancelled while no driver was assigned.
    CancelledBeforeMatch,
    /// The rider cancelled a driver on the way or at the pickup.
    CancelledAfterMatch,
    /// The rider did not come to the pickup.
    NoShow,
    /// Nobody took the ride.
    NoDriver,
    /// The request could not be served at all.
    Refused,
}

/// What can happen to a ride.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "What")]
pub enum RideStepKind {
    /// It was asked for.
    Requested,
    /// It cannot be served at all.
    Refused,
    /// It was offered to a driver.
    Offered,
    /// The driver took it.
    Accepted,
    /// The driver turned it down.
    Declined,
    /// The driver did not answer in time.
    Expired,
    /// The market took the offer back.
    Withdrawn,
    /// That was the last offer.
    Exhausted,
    /// The promised pickup has passed; the driver is on the way and keeps the ride.
    Late,
    /// The driver is at the pickup.
    Arrived,
    /// The rider is in the vehicle.
    Boarded,
    /// The driver was taken off the ride, which is back in line.
    Released,
    /// It is over.
    Ended,
    /// Money moved.
    Settled,
    /// The market was away and works again.
    Resumed,
    /// A deadline could not be decided and is tried again later.
    PutOff,
}

/// Something that happened to a ride.
#[derive(Debug, SimpleObject)]
pub struct RideStep {
    /// The turn.
    offset: Offset,
    /// When.
    at: Time,
    /// What.
    what: RideStepKind,
    /// The driver it is about.
    driver: Option<String>,
    /// Which of the ride's offers it is about.
    epoch: Option<u32>,
    /// A time that it names: the deadline of an offer, the promised pickup, until when the rider is waited for.
    until: Option<Time>,
    /// How long it says, ms: until the driver is at the pickup; for how long the market was away.
    span_ms: Option<u64>,
    /// A reason in a word: why it was refused or released, how it ended.
    why: Option<String>,
    /// Money that was told or paid.
    amount_minor: Option<Minor>,
}

/// An offer that its driver has not answered.
#[derive(Debug, SimpleObject)]
pub struct OpenOffer {
    /// To whom.
    driver: String,
    /// Which of the ride's offers, from 1: the answer names it.
    epoch: u32,
    /// Until when it can be answered.
    deadline: Time,
    /// Time until the driver is at the pickup, ms.
    pickup_eta_ms: u32,
    /// Whether the driver has to end another ride first.
    chained: bool,
}

/// Who got what of what the rider paid.
#[derive(Debug, SimpleObject)]
#[expect(clippy::struct_field_names, reason = "clients read the unit in the name")]
pub struct RidePayment {
    /// Paid by the rider.
    fare_minor: Minor,
    /// To the driver; `null`: it is not for whoever asks.
    driver_minor: Option<Minor>,
    /// To the platform; `null`: it is not for whoever asks.
    platform_minor: Option<Minor>,
}

/// A ride.
#[derive(Debug, SimpleObject)]
#[graphql(complex)]
pub struct Ride {
    /// Its number: rides are numbered from 1 in order of request.
    id: ID,
    /// The outside's name of the rider.
    rider: String,
    /// The id of the order that asked for it.
    request: Option<Key>,
    /// Where it is in its life.
    status: RideStatus,
    /// When it was asked for.
    requested_at: Time,
    /// Where the rider wants to get in.
    pickup: Place,
    /// Where the rider wants to get out.
    dropoff: Place,
    /// Seats it takes.
    seats: u32,
    /// Vehicle class it wants.
    class: u32,
    /// Tier of the rider.
    tier: u32,
    /// Upfront fare; `null`: the request was refused.
    fare_minor: Option<Minor>,
    /// Travel time from pickup to dropoff as estimated at request, ms.
    direct_ms: Option<u32>,
    /// ETA of the best driver at the pickup at request, ms.
    first_eta_ms: Option<u32>,
    /// The driver bound to it last, unless it was released from him.
    driver: Option<String>,
    /// How many offers were made.
    offers: u32,
    /// When it was first offered.
    first_offer_at: Option<Time>,
    /// When its driver took it.
    matched_at: Option<Time>,
    /// When its driver will be at the pickup, as promised.
    promised_at: Option<Time>,
    /// When the rider was in the vehicle.
    picked_up_at: Option<Time>,
    /// When the rider was out of the vehicle.
    dropped_off_at: Option<Time>,
    /// When it ended.
    ended_at: Option<Time>,
    /// The offer that a driver has not answered yet.
    offer: Option<OpenOffer>,
    /// What was paid, if anything was.
    payment: Option<RidePayment>,
    #[graphql(skip)]
    story: Vec<rows::Step>,
}

impl Ride {
    /// Leaves of what was paid only what the rider paid, and what the driver got if it is the driver who asks.
    pub(in crate::graphql) fn hide_shares(&mut self, is_driver: bool) {
        if let Some(payment) = &mut self.payment {
            payment.platform_minor = None;
            payment.driver_minor = payment.driver_minor.filter(|_| is_driver);
        }
    }
}

#[ComplexObject]
impl Ride {
    /// What happened to it, in order.
    #[graphql(complexity = "5 * child_complexity")]
    async fn story(&self) -> Vec<RideStep> {
        self.story.iter().map(RideStep::from).collect()
    }
}

fn time(at_ms: i64) -> Time {
    Time(Millis(at_ms))
}

/// A place of a row.
pub fn place(place: rows::Place) -> Place {
    Coord { lat: place.lat, lon: place.lon }.into()
}

impl From<&rows::Step> for RideStep {
    fn from(step: &rows::Step) -> Self {
        Self {
            offset: Offset(step.offset),
            at: time(step.at_ms),
            what: step.what().into(),
            driver: step.driver.clone(),
            epoch: step.epoch,
            until: step.until_ms.map(time),
            span_ms: step.span_ms,
            why: step.why.clone(),
            amount_minor: step.amount_minor.map(Minor),
        }
    }
}

impl From<rows::Ride> for Ride {
    fn from(row: rows::Ride) -> Self {
        let dropped_off_at = row.dropped_off_at_ms().map(time);
        Self {
            id: ID(row.ride.to_string()),
            request: row.request_key().map(Key::from),
            status: row.status().into(),
            requested_at: time(row.requested_at_ms),
            pickup: place(row.pickup),
            dropoff: place(row.dropoff),
            seats: row.seats,
            class: row.class,
            tier: row.tier,
            fare_minor: row.quote.map(|quote| Minor(quote.fare_minor)),
            direct_ms: row.quote.map(|quote| quote.direct_ms),
            first_eta_ms: row.quote.and_then(|quote| quote.first_eta_ms),
            offers: row.offers,
            first_offer_at: row.first_offer_at_ms.map(time),
            matched_at: row.matched_at_ms.map(time),
            promised_at: row.promised_at_ms.map(time),
            picked_up_at: row.picked_up_at_ms.map(time),
            dropped_off_at,
            ended_at: row.ended_at_ms.map(time),
            offer: row.offer.map(|offer| OpenOffer {
                driver: offer.driver,
                epoch: offer.epoch,
                deadline: time(offer.deadline_ms),
                pickup_eta_ms: offer.pickup_eta_ms,
                chained: offer.chained,
            }),
            payment: row.payment.map(|payment| RidePayment {
                fare_minor: Minor(payment.fare_minor),
                driver_minor: Some(Minor(payment.driver_minor)),
                platform_minor: Some(Minor(payment.platform_minor)),
            }),
            rider: row.rider,
            driver: row.driver,
            story: row.story,
        }
    }
}

/// Which rides are meant. All that is said has to hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct RidesFilter {
    /// This rider's.
    rider: Option<String>,
    /// This driver's, who has it or had it to its end.
    driver: Option<String>,
    /// In one of these states.
    statuses: Option<Vec<RideStatus>>,
    /// Whether its end is yet to come.
    open: Option<bool>,
    /// Asked for at this time or later.
    requested_from: Option<Time>,
    /// Asked for before this time.
    requested_before: Option<Time>,
}

impl From<RidesFilter> for RideFilter {
    fn from(filter: RidesFilter) -> Self {
        Self {
            rider: filter.rider,
            driver: filter.driver,
            statuses: filter.statuses.unwrap_or_default().into_iter().map(Status::from).collect(),
            open: filter.open,
            from_ms: filter.requested_from.map(|at| at.0.0),
            until_ms: filter.requested_before.map(|at| at.0.0),
        }
    }
}

/// What can be asked about rides.
#[derive(Debug, Default)]
pub struct Rides;

#[Object]
impl Rides {
    /// A ride, by its number or by the id of the order that asked for it; `null`: there is none that whoever asks may see.
    async fn ride(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "May be left out where there is one only.")] market: Option<String>,
        #[graphql(desc = "Its number.")] id: Option<ID>,
        #[graphql(desc = "The id of the order that asked for it.")] request: Option<Key>,
        #[graphql(desc = "The answer knows of this turn.")] min_offset: Option<Offset>,
    ) -> Result<Option<RideResult>> {
        let number = id.map(|id| ride_number("id", &id)).transpose()?;
        let key =
            request.map(|key| key.inside().ok_or_else(|| error(BAD_INPUT, "`request` is the id of an order, a UUID")));
        let key = key.transpose()?;
        if number.is_none() && key.is_none() {
            return Err(error(BAD_INPUT, "say which ride is meant, by `id` or by `request`"));
        }
        let reading = match ask::reading(ctx, market.as_deref(), Concern::Open)? {
            Ok(reading) => reading,
            Err(why) => return Ok(Some(RideResult::from(Err(why)))),
        };
        let found = history(&reading, min_offset, move |history| {
            let number = match (number, key) {
                (None, Some(key)) => history.requested_by(key)?,
                (number, _) => number,
            };
            number.map_or(Ok(None), |number| history.ride(number))
        });
        let principal = ctx.data::<Principal>()?;
        let shown = |row| seen::is_own(principal, &row).then(|| seen::ride(principal, row));
        Ok(found.await?.map(|found| found.and_then(shown)).transpose().map(RideResult::from))
    }

    /// Rides in order of request: from the first, or with `last` from the last. A rider or driver sees the own ones.
    #[graphql(complexity = "page::size(first, last) * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "what a connection takes")]
    async fn rides(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "May be left out where there is one only.")] market: Option<String>,
        #[graphql(desc = "Which are meant; left out: all.")] filter: Option<RidesFilter>,
        #[graphql(desc = "At most so many, from the start; 20 if nothing is said, 200 at most.")] first: Option<i64>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many, from the end.")] last: Option<i64>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "The answer knows of this turn.")] min_offset: Option<Offset>,
    ) -> Result<RidesResult> {
        let slice = page::slice::<u32>(first, after, last, before)?;
        let principal = ctx.data::<Principal>()?;
        let filter = seen::only_own(principal, RideFilter::from(filter.unwrap_or_default()));
        let name = |name: &Option<String>| name.as_deref().map(|name| Name(name.into()));
        let (rider, driver) = (name(&filter.rider), name(&filter.driver));
        let concern = match (&rider, &driver) {
            (Some(rider), _) if rider == principal.name() => Concern::Rider(rider),
            (_, Some(driver)) => Concern::Driver(driver),
            (Some(rider), None) => Concern::Rider(rider),
            (None, None) => Concern::All,
        };
        let reading = match ask::reading(ctx, market.as_deref(), concern)? {
            Ok(reading) => reading,
            Err(why) => return Ok(RidesResult::from(Err(why))),
        };
        let asked = slice.clone();
        let found = history(&reading, min_offset, move |history| history.rides(&filter, &asked)).await?;
        Ok(found.map(|found| page::connection(&slice, found, |row| seen::ride(principal, row))).into())
    }
}
