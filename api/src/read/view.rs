//! What a market knows after some turn: rides, drivers, counts.
//!
//! The engine's own state, folded from released turns beside the market: what it shows is what the log says, be it the last
//! turn or one of long ago. Drivers are found by name: their numbers are given out again.

use std::ops::Bound;
use std::sync::Arc;

use hansom_engine::domain::Name;
use hansom_engine::lifecycle::{ride, session};
use hansom_engine::state::{self, Comms};
use hansom_engine::{State, Turn, steps};
use hansom_geo_index::moving::MovingIndex;
use hansom_geo_index::{Coord, Network};

use super::history::{Offer, Place, Quote, Reach, Ride, Status};
use super::page::{Page, Slice};

/// A market after some turn.
#[derive(Debug, Clone)]
pub struct View {
    state: State,
    network: Arc<Network>,
    reach: Reach,
}

/// How many there are of what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rides in line for a driver.
    pub searching: u64,
    /// Rides that nobody took, but for whose end it is too early.
    pub exhausted: u64,
    /// Rides that a driver is asked for.
    pub offered: u64,
    /// Rides whose driver comes.
    pub assigned: u64,
    /// Rides whose driver waits at the pickup.
    pub waiting: u64,
    /// Rides under way.
    pub on_board: u64,
    /// Drivers on shift.
    pub on_shift: u64,
    /// Drivers whose shift is over and who finish what they promised.
    pub finishing: u64,
    /// Drivers who can be given a ride at once.
    pub available: u64,
    /// Drivers who hold a ride and cannot be reached.
    pub unreachable: u64,
}

/// What a driver is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activity {
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

/// A driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Driver {
    /// The outside's name.
    pub name: String,
    /// What he is doing.
    pub activity: Activity,
    /// His shift is over once he has done what he promised.
    pub finishing: bool,
    /// Which of his devices speaks for him: counts the sessions of the shift, from 1.
    pub session: u32,
    /// Where his device said the vehicle was …
    pub place: Place,
    /// … and when, ms since 1970.
    pub seen_at_ms: i64,
    /// Seats for riders.
    pub seats: u8,
    /// Vehicle class.
    pub class: u8,
    /// Drives itself.
    pub autonomous: bool,
    /// Rating in hundredths of a star.
    pub rating: u16,
    /// When he means to stop, ms since 1970.
    pub until_ms: Option<i64>,
    /// The rides he promised, in order of their ends.
    pub rides: Vec<u32>,
    /// The ride he is asked for.
    pub offered: Option<u32>,
    /// How many offers he got …
    pub offers: u32,
    /// … how many of them he declined or did not answer …
    pub failed_offers: u32,
    /// … and how many rides he gave back.
    pub cancels: u32,
}

/// Which drivers are meant. All that is said has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DriverFilter {
    /// On shift, or not.
    pub on_shift: Option<bool>,
    /// Doing one of these; empty: anything.
    pub activities: Vec<Activity>,
    /// Of this vehicle class.
    pub class: Option<u8>,
    /// With at least so many seats.
    pub seats: Option<u8>,
}

impl DriverFilter {
    fn takes(&self, driver: &Driver) -> bool {
        self.on_shift.is_none_or(|on| on == (driver.activity != Activity::OffShift))
            && (self.activities.is_empty() || self.activities.contains(&driver.activity))
            && self.class.is_none_or(|class| driver.class == class)
            && self.seats.is_none_or(|seats| driver.seats >= seats)
    }
}

impl View {
    /// That of a state after the turn before `reach.next`.
    pub fn new(state: State, network: Arc<Network>, reach: Reach) -> Self {
        Self { state, network, reach }
    }

    /// Takes the next turn in.
    ///
    /// # Panics
    ///
    /// If it is not the next one.
    pub fn take(&mut self, turn: &Turn) {
        assert_eq!(turn.offset.0, self.reach.next, "a view gets every turn");
        steps::fold(&mut self.state, &self.network, turn);
        self.reach = Reach { next: turn.offset.0 + 1, at_ms: turn.at.0 };
    }

    /// How far it reaches.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// What it is made of.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What it is made of, to be gone on with.
    pub(super) fn into_state(self) -> State {
        self.state
    }

    /// How many there are of what.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { available: self.state.fleet().free().len() as u64, ..Counts::default() };
        for ride in self.state.rides().iter() {
            *match ride.status {
                ride::Status::Searching => &mut counts.searching,
                ride::Status::Exhausted => &mut counts.exhausted,
                ride::Status::Offered(_) => &mut counts.offered,
                ride::Status::Assigned(_) => &mut counts.assigned,
                ride::Status::Waiting(_) => &mut counts.waiting,
                ride::Status::OnBoard(_) => &mut counts.on_board,
                ride::Status::Ended(_) => continue,
            } += 1;
        }
        for driver in self.state.fleet().drivers() {
            match driver.session {
                session::Status::Off => {}
                session::Status::On => counts.on_shift += 1,
                session::Status::Finishing => {
                    counts.on_shift += 1;
                    counts.finishing += 1;
                }
            }
            counts.unreachable += u64::from(driver.comms == Comms::Dark && !driver.plan.is_empty());
        }
        counts
    }

    /// The driver of this name, if he is remembered.
    pub fn driver(&self, name: &str) -> Option<Driver> {
        let fleet = self.state.fleet();
        Some(self.shown(fleet.get(fleet.by_name(&Name::from(name))?)?))
    }

    /// A page of drivers, in order of name.
    pub fn drivers(&self, filter: &DriverFilter, slice: &Slice<String>) -> Page<String, Driver> {
        let bound =
            |place: &Option<String>| place.as_deref().map_or(Bound::Unbounded, |name| Bound::Excluded(name.into()));
        let range = (bound(&slice.after), bound(&slice.before));
        // A range that ends before it starts, or is empty between one name and itself, holds nobody.
        if let (Some(after), Some(before)) = (&slice.after, &slice.before)
            && after >= before
        {
            return Page { items: Vec::new(), more: false, reached: None };
        }
        let named = self.state.fleet().named(range);
        let shown =
            |driver: &state::Driver| Ok::<_, std::convert::Infallible>((driver.name.to_string(), self.shown(driver)));
        let page = if slice.last {
            Page::collect(named.rev().map(shown), slice, |driver| filter.takes(driver))
        } else {
            Page::collect(named.map(shown), slice, |driver| filter.takes(driver))
        };
        let Ok(page) = page;
        page
    }

    /// The drivers within `radius_mm` of a place who can be given a ride at once, nearest by air line first, at most `limit`,
    /// each with how far he is, mm.
    pub fn nearby(&self, place: Coord, radius_mm: u32, limit: usize) -> Vec<(u64, Driver)> {
        let fleet = self.state.fleet();
        let mut found = Vec::new();
        fleet.index().nearest(self.network.projection().point(place), radius_mm, limit, |_| true, &mut found);
        found.into_iter().filter_map(|(squared, at)| Some((squared.isqrt(), self.shown(fleet.at(at)?)))).collect()
    }

    /// A ride that has not left the state, without its story.
    pub fn ride(&self, number: u32) -> Option<Ride> {
        Some(self.told(self.state.rides().get(hansom_engine::RideId(number))?))
    }

    /// A page of the rides that are open, without their stories, in order of request.
    pub fn open_rides(&self, slice: &Slice<u32>) -> Page<u32, Ride> {
        let within = |ride: &&state::Ride| {
            slice.after.is_none_or(|after| ride.id.0 > after) && slice.before.is_none_or(|before| ride.id.0 < before)
        };
        let mut rides: Vec<&state::Ride> =
            self.state.rides().iter().filter(|ride| ride.is_open()).filter(within).collect();
        if slice.last {
            rides.reverse();
        }
        let told = rides.into_iter().map(|ride| Ok::<_, std::convert::Infallible>((ride.id.0, self.told(ride))));
        let Ok(page) = Page::collect(told, slice, |_| true);
        page
    }

    fn shown(&self, driver: &state::Driver) -> Driver {
        let activity = match driver.plan.next() {
            _ if driver.session == session::Status::Off => Activity::OffShift,
            Some(_) if driver.on_board().is_some() => Activity::OnBoard,
            Some(stop) => match self.state.rides().get(stop.ride).map(|ride| ride.status) {
                Some(ride::Status::Waiting(_)) => Activity::AtPickup,
                _ => Activity::ToPickup,
            },
            None if driver.offered.is_some() => Activity::Offered,
            None if driver.is_available() => Activity::Available,
            None => Activity::Silent,
        };
        Driver {
            name: driver.name.to_string(),
            activity,
            finishing: driver.session == session::Status::Finishing,
            session: driver.device.0,
            place: driver.seen.into(),
            seen_at_ms: driver.seen_at.0,
            seats: driver.seats,
            class: driver.class,
            autonomous: driver.autonomous,
            rating: driver.rating,
            until_ms: driver.until.map(|until| until.0),
            rides: driver.plan.rides().map(|ride| ride.0).collect(),
            offered: driver.offered.map(|ride| ride.0),
            offers: driver.offers,
            failed_offers: driver.failed_offers,
            cancels: driver.cancels,
        }
    }

    /// A ride as the state knows it. Its places are those on the streets.
    fn told(&self, ride: &state::Ride) -> Ride {
        let name = |driver| self.state.fleet().get(driver).map(|driver| driver.name.to_string());
        let status = match ride.status {
            ride::Status::Searching => Status::Searching,
            ride::Status::Exhausted => Status::Exhausted,
            ride::Status::Offered(_) => Status::Offered,
            ride::Status::Assigned(_) => Status::Assigned,
            ride::Status::Waiting(_) => Status::Waiting,
            ride::Status::OnBoard(_) => Status::OnBoard,
            ride::Status::Ended(outcome) => Status::of(outcome),
        };
        let open_offer = ride.offer.filter(|_| status == Status::Offered);
        Ride {
            ride: ride.id.0,
            rider: ride.rider.to_string(),
            request: ride.request.map(|key| key.0.to_be_bytes().to_vec()).unwrap_or_default(),
            status: status.into(),
            requested_at_ms: ride.requested_at.0,
            pickup: self.network.coord(ride.pickup).into(),
            dropoff: self.network.coord(ride.dropoff).into(),
            seats: ride.seats.into(),
            class: ride.class.into(),
            tier: ride.tier.into(),
            quote: Some(Quote { direct_ms: ride.direct_ms, direct_mm: 0, fare_minor: ride.fare.0, first_eta_ms: None }),
            driver: ride.status.driver().and_then(name),
            offers: ride.offer.map_or(0, |offer| offer.epoch.0),
            promised_at_ms: ride.promised.map(|promised| promised.0),
            offer: open_offer.and_then(|offer| {
                let deadline_ms = ride.timer.map_or(0, |(_, due)| due.0);
                Some(Offer {
                    driver: name(offer.driver)?,
                    epoch: offer.epoch.0,
                    deadline_ms,
                    pickup_eta_ms: 0,
                    chained: offer.chained,
                })
            }),
            ..Ride::default()
        }
    }
}
