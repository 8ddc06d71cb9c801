//! What a principal may do: each order, each position, each way to read. Nothing else decides it.

use hansom_dispatcher::trace::Trace;
use hansom_dispatcher::{MarketHandle, NotTaken, Pending, PendingReport};
use hansom_engine::Name;
use hansom_market::ingest::{Body, Location, Order, Rating};

use super::limits::Limited;
use super::principal::{Principal, Role};

/// Why a principal may not do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// It has none of the roles for it.
    #[error("this is for {0}")]
    Role(&'static str),
    /// A rider who speaks for another one.
    #[error("a rider speaks only for themself: the order is in another name than the token")]
    OtherRider,
    /// A driver who speaks for another one.
    #[error("a driver speaks only for themself: the line is in another name than the token")]
    OtherDriver,
    /// A field by which riders and drivers would rank themselves.
    #[error("`{0}` is set by an operator or a service")]
    Field(&'static str),
    /// A market that is not one of its own.
    #[error("the token is not for this market")]
    Market,
}

/// Why an order or a position that somebody sent got no place in a market.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotGiven {
    /// Its sender may not.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Its sender sent too much.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// The market did not take it.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
}

/// What became of positions that were handed to a market at once.
#[derive(Debug)]
pub struct HandedOver {
    /// Those that got no place in it, and why.
    pub not_given: Vec<(u32, NotGiven)>,
    /// The places in the bundle of those that did.
    pub places: Vec<u32>,
    /// What is to be heard of them.
    pub pending: Option<PendingReport>,
}

/// What can be read of a market besides one's own rides, offers and trips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading<'a> {
    /// What concerns a rider.
    Rider(&'a Name),
    /// What concerns a driver.
    Driver(&'a Name),
    /// What everybody may know who may use the market.
    Open,
    /// Everything.
    All,
}

impl Principal {
    /// Gives a market an order in this principal's name. What is turned away because the market has too much to do is not counted.
    pub fn order(&self, market: &MarketHandle, order: Order, trace: Option<Box<Trace>>) -> Result<Pending, NotGiven> {
        self.may_use(market.name())?;
        let own_rides_only = self.may_order(&order.body)?;
        self.spend(1)?;
        let pending = market.order_of(order, own_rides_only.cloned(), trace);
        pending.map_err(|cause| self.turned_away(cause))
    }

    /// Hands a market a position in this principal's name.
    pub fn report(&self, market: &MarketHandle, location: Location) -> Result<(), NotGiven> {
        self.may_use(market.name())?;
        self.may_report(&location.position.driver)?;
        self.spend(1)?;
        market.report(location).map_err(|cause| self.turned_away(cause))
    }

    /// Hands a market positions in this principal's name, in this order, each with its place in a bundle: as [`report`](Self::report)
    /// does with one after another.
    pub fn report_all(&self, market: &MarketHandle, mut bundle: Vec<(u32, Location)>) -> HandedOver {
        let mut not_given = Vec::new();
        let used = self.may_use(market.name());
        bundle.retain(|(place, location)| {
            let may = used.and_then(|()| self.may_report(&location.position.driver));
            not_given.extend(may.err().map(|cause| (*place, cause.into())));
            may.is_ok()
        });
        let (mut places, locations): (Vec<u32>, Vec<Location>) = bundle.into_iter().unzip();
        let mut pending = None;
        let (taken, others) = self.pay_for(&places, locations, |locations| {
            let (taken, reported, report) = market.report_all(locations.into_iter());
            pending = (taken > 0).then_some(report);
            (taken, reported)
        });
        not_given.extend(others);
        places.truncate(taken);
        HandedOver { not_given, places, pending }
    }

    /// Pays for the first of these, as many as it may, and has them reported: how many were taken, and why not the others.
    fn pay_for<T>(
        &self,
        places: &[u32],
        mut paid_for: Vec<T>,
        report: impl FnOnce(Vec<T>) -> (usize, Result<(), NotTaken>),
    ) -> (usize, Vec<(u32, NotGiven)>) {
        let (paid, limited) = self.spend_some(places.len() as u32);
        let paid = paid as usize;
        paid_for.truncate(paid);
        let (taken, reported) = report(paid_for);
        let told = |places: &[u32], cause: NotGiven| places.iter().map(|place| (*place, cause.clone())).collect();
        let others = match reported {
            Err(cause @ NotTaken::Overloaded { .. }) => {
                self.refund((paid - taken) as u32);
                // What is put back pays for those beyond, and there is no room for them either.
                told(&places[taken..], cause.into())
            }
            reported => {
                let left = reported.err().map(|cause| told(&places[taken..paid], cause.into()));
                let beyond = limited.err().map(|cause| told(&places[paid..], cause.into()));
                [left, beyond].into_iter().flatten().flatten().collect()
            }
        };
        (taken, others)
    }

    fn turned_away(&self, cause: NotTaken) -> NotGiven {
        if matches!(cause, NotTaken::Overloaded { .. }) {
            self.refund(1);
        }
        cause.into()
    }

    /// Whether it has to do with this market at all.
    pub fn may_use(&self, market: &str) -> Result<(), Forbidden> {
        if self.is_of(market) { Ok(()) } else { Err(Forbidden::Market) }
    }

    /// Whether it may send orders, whichever they are.
    pub fn may_order_at_all(&self) -> Result<(), Forbidden> {
        if self.has_role() { Ok(()) } else { Err(Forbidden::Role("riders, drivers, operators and services")) }
    }

    /// Whether it may send positions, whosever they are.
    pub fn may_report_at_all(&self) -> Result<(), Forbidden> {
        let may = self.is_staff() || self.is(Role::Driver);
        if may { Ok(()) } else { Err(Forbidden::Role(DRIVERS)) }
    }

    /// Whether it may give an order; if so, whose the ride has to be that the order is about.
    fn may_order(&self, body: &Body) -> Result<Option<&Name>, Forbidden> {
        if self.is_staff() {
            return Ok(None);
        }
        if let Some(driver) = body.driver() {
            self.may_report(driver)?;
            // What a driver says of a ride the market takes only of the one who has it.
            return match body {
                Body::StartShift(it) if it.rating != UNRATED => Err(Forbidden::Field("rating")),
                _ => Ok(None),
            };
        }
        if !self.is(Role::Rider) {
            return Err(Forbidden::Role("riders, operators and services"));
        }
        match body {
            Body::RequestRide(it) if it.rider != *self.name() => Err(Forbidden::OtherRider),
            Body::RequestRide(it) if it.tier != 0 => Err(Forbidden::Field("tier")),
            _ => Ok(Some(self.name())),
        }
    }

    /// Whether it may say where this driver is.
    fn may_report(&self, driver: &Name) -> Result<(), Forbidden> {
        self.may_report_at_all()?;
        if self.is_staff() || driver == self.name() { Ok(()) } else { Err(Forbidden::OtherDriver) }
    }

    /// Whether it may read something of a market.
    pub fn may_read(&self, market: &str, what: Reading<'_>) -> Result<(), Forbidden> {
        self.may_use(market)?;
        let own = |role, name: &Name| self.is(role) && name == self.name();
        match what {
            Reading::Open => Ok(()),
            _ if self.is_staff() => Ok(()),
            Reading::Rider(rider) if own(Role::Rider, rider) => Ok(()),
            Reading::Driver(driver) if own(Role::Driver, driver) => Ok(()),
            Reading::Rider(_) => Err(Forbidden::Role("the rider, operators and services")),
            Reading::Driver(_) => Err(Forbidden::Role("the driver, operators and services")),
            Reading::All => Err(Forbidden::Role(STAFF)),
        }
    }

    /// Whether it may read what is measured of the whole process.
    pub fn may_measure(&self) -> Result<(), Forbidden> {
        match (self.is_staff(), self.is_of_all()) {
            (true, true) => Ok(()),
            (true, false) => Err(Forbidden::Market),
            (false, _) => Err(Forbidden::Role(STAFF)),
        }
    }
}

/// What a rating is that nobody gave.
const UNRATED: Rating = Rating(500);
const STAFF: &str = "operators and services";
const DRIVERS: &str = "drivers, operators and services";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::limits::{Limits, Rate};
    use super::super::token::Claims;
    use super::*;

    /// A driver who may do so much at once.
    fn driver(burst: u32) -> Principal {
        let claims = Claims { sub: "ann".into(), roles: vec!["driver".into()], markets: None, exp: u64::MAX };
        let rate = Rate { per_s: 1, burst };
        Principal::of(claims, &Limits::new(rate, rate))
    }

    fn word(cause: &NotGiven) -> &'static str {
        match cause {
            NotGiven::Forbidden(_) => "forbidden",
            NotGiven::Limited(_) => "limited",
            NotGiven::NotTaken(NotTaken::Overloaded { .. }) => "overloaded",
            NotGiven::NotTaken(_) => "not taken",
        }
    }

    /// By whom a bundle is paid for, and which room it finds, in whichever order they end: the same is told of each, and the same is
    /// left to pay with.
    #[test]
    fn a_bundle_is_told_what_one_after_another_is() {
        let overloaded = || NotTaken::Overloaded { retry_after: Duration::from_millis(1) };
        let causes: [&dyn Fn() -> NotTaken; 2] = [&overloaded, &|| NotTaken::Unknown];
        for (burst, room) in [(100, 50), (100, 0), (100, 100), (100, 500), (600, 50), (600, 500), (500, 500), (1, 0)] {
            for cause in causes {
                let [one, other] = [(); 2].map(|()| driver(burst));
                let places: Vec<u32> = (0..500).collect();
                let (taken, some) = one.pay_for(&places, vec![(); 500], |paid_for| {
                    (paid_for.len().min(room), if paid_for.len() > room { Err(cause()) } else { Ok(()) })
                });
                assert_eq!(taken, 500 - some.len());
                let mut left = room;
                let each = places.into_iter().filter_map(|place| {
                    let paid = other.spend(1).map_err(NotGiven::from);
                    let taken = paid.and_then(|()| {
                        left = left.checked_sub(1).ok_or_else(|| other.turned_away(cause()))?;
                        Ok(())
                    });
                    Some((place, taken.err()?))
                });
                let told = |(place, cause): (u32, NotGiven)| (place, word(&cause));
                let [some, each]: [Vec<_>; 2] = [some.into_iter().map(told).collect(), each.map(told).collect()];
                assert_eq!(some, each, "{burst} at once, room for {room}");
                let [one, other] = [one, other].map(|it| it.spend_some(1_000).0);
                assert_eq!(one, other, "{burst} at once, room for {room}");
            }
        }
    }
}
