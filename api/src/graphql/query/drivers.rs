//! Drivers: as they are now, and those near a place.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use hansom_engine::Name;
use hansom_geo_index::Millis;

use super::answer::{DriverResult, DriversResult, NearbyResult};
use super::ask::{self, history, not_read};
use super::page;
use super::rides::{Ride, place};
use crate::auth::{Principal, Reading as Concern};
use crate::graphql::code::bad_value;
use crate::graphql::input::{PlaceInput, byte};
use crate::graphql::scalar::{Offset, Place, Time};
use crate::graphql::seen;
use crate::read::{self as models, Activity, DriverFilter, Page, Reading};

/// What a driver is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Activity")]
pub enum DriverActivity {
    /// Not on shift.
    OffShift,
    /// Can be given a ride at once.
    Available,
    /// Is asked for a ride.
    Offered,
    /// Drives to a pickup.
    ToPickup,
    /// Waits at a pickup.
    AtPickup,
    /// Has a rider in the vehicle.
    OnBoard,
    /// On shift, but gets no offers: was not heard of lately.
    Silent,
}

/// A driver with a vehicle.
#[derive(Debug, SimpleObject)]
pub struct Driver {
    /// The outside's name.
    id: ID,
    /// What he is doing.
    activity: DriverActivity,
    /// His shift is over once he has done what he promised.
    finishing: bool,
    /// Which of his devices speaks for him: counts the sessions of the shift, from 1.
    session: u32,
    /// Where his device said the vehicle was …
    place: Place,
    /// … and when.
    seen_at: Time,
    /// Seats for riders.
    seats: u32,
    /// Vehicle class.
    class: u32,
    /// Drives itself.
    autonomous: bool,
    /// Stars.
    rating: f64,
    /// When he means to stop.
    until: Option<Time>,
    /// The rides he promised, in order of their ends, and the one he is asked for.
    rides: Vec<Ride>,
    /// The ride he is asked for.
    offered: Option<ID>,
    /// How many offers he got.
    offers: u32,
    /// How many of them he declined or did not answer.
    failed_offers: u32,
    /// How many rides he gave back.
    cancels: u32,
}

impl Driver {
    /// A driver, with the rides that he holds.
    pub fn of(driver: models::Driver, rides: Vec<Ride>) -> Self {
        Self {
            activity: driver.activity.into(),
            finishing: driver.finishing,
            session: driver.session,
            place: place(driver.place),
            seen_at: Time(Millis(driver.seen_at_ms)),
            seats: driver.seats.into(),
            class: driver.class.into(),
            autonomous: driver.autonomous,
            rating: f64::from(driver.rating) / 100.0,
            until: driver.until_ms.map(|until| Time(Millis(until))),
            rides,
            offered: driver.offered.map(|ride| ID(ride.to_string())),
            offers: driver.offers,
            failed_offers: driver.failed_offers,
            cancels: driver.cancels,
            id: ID(driver.name),
        }
    }
}

/// Which drivers are meant. All that is said has to hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct DriversFilter {
    /// On shift, or not.
    on_shift: Option<bool>,
    /// Doing one of these.
    activities: Option<Vec<DriverActivity>>,
    /// Of this vehicle class.
    class: Option<i64>,
    /// With at least so many seats.
    seats: Option<i64>,
}

impl DriversFilter {
    /// As the models take it, from the argument `filter`.
    pub fn inside(self) -> Result<DriverFilter> {
        Ok(DriverFilter {
            on_shift: self.on_shift,
            activities: self.activities.unwrap_or_default().into_iter().map(Activity::from).collect(),
            class: self.class.map(|class| byte("filter.class", class)).transpose()?,
            seats: self.seats.map(|seats| byte("filter.seats", seats)).transpose()?,
        })
    }
}

/// Drivers near a place.
#[derive(Debug, SimpleObject)]
pub struct NearbyDrivers {
    /// The turn that will be taken in next: what is shown is as of the one before.
    next: Offset,
    /// Those who can be given a ride at once, nearest first.
    drivers: Vec<NearbyDriver>,
}

/// A driver near a place.
#[derive(Debug, SimpleObject)]
pub struct NearbyDriver {
    /// How far by air line, m.
    distance_m: f64,
    /// Who.
    driver: Driver,
}

/// What can be asked about drivers.
#[derive(Debug, Default)]
pub struct Drivers;

#[Object]
impl Drivers {
    /// A driver by name; `null`: he is not remembered.
    async fn driver(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "May be left out where there is one only.")] market: Option<String>,
        #[graphql(desc = "The name.")] id: ID,
        #[graphql(desc = "The answer knows of this turn.")] min_offset: Option<Offset>,
    ) -> Result<Option<DriverResult>> {
        let name = Name(id.as_str().into());
        let reading = match ask::reading(ctx, market.as_deref(), Concern::Driver(&name))? {
            Ok(reading) => reading,
            Err(why) => return Ok(Some(DriverResult::from(Err(why)))),
        };
        let shown = reading.view(min_offset.map(|offset| offset.0), |view| (view.reach(), view.driver(&id))).await;
        let (reach, driver) = match shown {
            Ok((reach, Some(driver))) => (reach, driver),
            Ok((_, None)) => return Ok(None),
            Err(why) => return Ok(Some(DriverResult::from(Err(not_read(&reading, why))))),
        };
        let shown =
            with_rides(ctx.data()?, ctx.look_ahead().field("rides").exists(), &reading, reach.next, vec![driver])
                .await?;
        Ok(shown.map(|mut shown| shown.pop()).transpose().map(DriverResult::from))
    }

    /// Drivers in order of name: from the first, or with `last` from the last.
    #[graphql(complexity = "page::size(first, last) * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "what a connection takes")]
    async fn drivers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "May be left out where there is one only.")] market: Option<String>,
        #[graphql(desc = "Which are meant; left out: all.")] filter: Option<DriversFilter>,
        #[graphql(desc = "At most so many, from the start; 20 if nothing is said, 200 at most.")] first: Option<i64>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many, from the end.")] last: Option<i64>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "The answer knows of this turn.")] min_offset: Option<Offset>,
    ) -> Result<DriversResult> {
        let slice = page::slice::<String>(first, after, last, before)?;
        let filter = filter.unwrap_or_default().inside()?;
        let reading = match ask::reading(ctx, market.as_deref(), Concern::All)? {
            Ok(reading) => reading,
            Err(why) => return Ok(DriversResult::from(Err(why))),
        };
        let shown =
            reading.view(min_offset.map(|offset| offset.0), |view| (view.reach(), view.drivers(&filter, &slice)));
        let (reach, found) = match shown.await {
            Ok(shown) => shown,
            Err(why) => return Ok(Err(not_read(&reading, why)).into()),
        };
        let Page { items, more, reached } = found;
        let (names, found): (Vec<String>, Vec<models::Driver>) = items.into_iter().unzip();
        let ahead = ctx.look_ahead();
        let rides =
            ahead.field("nodes").field("rides").exists() || ahead.field("edges").field("node").field("rides").exists();
        let shown = with_rides(ctx.data()?, rides, &reading, reach.next, found).await?;
        Ok(shown
            .map(|shown| {
                let page = Page { items: names.into_iter().zip(shown).collect(), more, reached };
                page::connection(&slice, page, |driver| driver)
            })
            .into())
    }

    /// Drivers near a place who can be given a ride at once, nearest by air line first.
    #[graphql(complexity = "page::size(first, None) * child_complexity")]
    async fn drivers_nearby(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "May be left out where there is one only.")] market: Option<String>,
        #[graphql(desc = "Near what.")] place: PlaceInput,
        #[graphql(desc = "No farther than this, m.", default = 5_000)] radius_m: i64,
        #[graphql(desc = "At most so many; 20 if nothing is said, 200 at most.")] first: Option<i64>,
        #[graphql(desc = "The answer knows of this turn.")] min_offset: Option<Offset>,
    ) -> Result<NearbyResult> {
        let (place, limit) = (place.coord("place")?, page::limit("first", first)?);
        // All that is on the globe is nearer than the largest number.
        let radius_mm = u64::try_from(radius_m).map_err(|_| bad_value("radiusM", "0 or more, m", radius_m))?;
        let radius_mm = u32::try_from(radius_mm.saturating_mul(1000)).unwrap_or(u32::MAX);
        let reading = match ask::reading(ctx, market.as_deref(), Concern::All)? {
            Ok(reading) => reading,
            Err(why) => return Ok(NearbyResult::from(Err(why))),
        };
        let shown = reading
            .view(min_offset.map(|offset| offset.0), |view| (view.reach(), view.nearby(place, radius_mm, limit)));
        let (reach, found) = match shown.await {
            Ok(shown) => shown,
            Err(why) => return Ok(Err(not_read(&reading, why)).into()),
        };
        let (far, found): (Vec<u64>, Vec<models::Driver>) = found.into_iter().unzip();
        let rides = ctx.look_ahead().field("drivers").field("driver").field("rides").exists();
        let shown = with_rides(ctx.data()?, rides, &reading, reach.next, found).await?;
        let near = |(mm, driver)| NearbyDriver { distance_m: mm as f64 / 1000.0, driver };
        Ok(shown
            .map(|shown| NearbyDrivers {
                next: Offset(reach.next),
                drivers: far.into_iter().zip(shown).map(near).collect(),
            })
            .into())
    }
}

/// Drivers with the rides that they hold, all of which are read at once, if they are asked for.
async fn with_rides(
    principal: &Principal,
    wanted: bool,
    reading: &Reading,
    next: u64,
    found: Vec<models::Driver>,
) -> ask::Asked<Vec<Driver>> {
    let numbers: Vec<u32> = if wanted {
        found.iter().flat_map(|d| d.rides.iter().chain(&d.offered)).copied().collect()
    } else {
        Vec::new()
    };
    let rides = if numbers.is_empty() {
        Vec::new()
    } else {
        let asked = history(reading, next.checked_sub(1).map(Offset), move |history| history.rides_of(&numbers));
        match asked.await? {
            Ok(rides) => rides,
            Err(why) => return Ok(Err(why)),
        }
    };
    let mut rides = rides.into_iter();
    let shown = found.into_iter().map(|driver| {
        let count = if wanted { driver.rides.len() + usize::from(driver.offered.is_some()) } else { 0 };
        let rides = rides.by_ref().take(count).flatten().map(|ride| seen::ride(principal, ride)).collect();
        Driver::of(driver, rides)
    });
    Ok(Ok(shown.collect()))
}
