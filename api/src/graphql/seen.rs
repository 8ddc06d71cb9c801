//! What a principal gets to see of what a market tells.

use hansom_dispatcher::MarketHandle;
use hansom_market::ingest::{Fact, Published};

use super::event::Event;
use super::query::Ride;
use crate::auth::{Principal, Role};
use crate::read::history::{self as rows, RideFilter, What};

/// A fact as this principal sees it. Operators and services see all; a driver, what concerns that driver; a rider, what becomes of the
/// own rides, but neither to whom else they were offered nor what others get of the fare.
pub fn seen(principal: &Principal, market: &MarketHandle, published: &Published) -> Option<Event> {
    if principal.is_staff() {
        return Some(published.into());
    }
    let fact = &published.fact;
    if principal.is(Role::Driver) && fact.driver() == Some(principal.name()) {
        return Some(published.into());
    }
    let own = principal.is(Role::Rider)
        && fact.ride().and_then(|ride| market.rider_of(ride)).is_some_and(|rider| rider == *principal.name());
    own.then(|| for_rider(published)).flatten()
}

/// A fact of a ride as its rider sees it.
fn for_rider(published: &Published) -> Option<Event> {
    match &published.fact {
        Fact::OfferMade(_) | Fact::OfferDeclined(_) | Fact::OfferExpired(_) | Fact::OfferWithdrawn(_) => None,
        _ => match Event::from(published) {
            Event::Settled(mut settled) => {
                settled.keep_riders();
                Some(Event::Settled(settled))
            }
            event => Some(event),
        },
    }
}

/// Whether a ride is one that this principal may ask for: a rider the own ones, a driver those that the driver holds, held to their end
/// or is asked for.
pub fn is_own(principal: &Principal, row: &rows::Ride) -> bool {
    principal.is_staff() || drives(principal, row) || rides(principal, row)
}

fn rides(principal: &Principal, row: &rows::Ride) -> bool {
    principal.is(Role::Rider) && row.rider == *principal.name().0
}

fn drives(principal: &Principal, row: &rows::Ride) -> bool {
    let own = &*principal.name().0;
    let asked = row.offer.as_ref().map(|offer| &*offer.driver);
    principal.is(Role::Driver) && (row.driver.as_deref() == Some(own) || asked == Some(own))
}

/// An own ride as this principal sees it: without what others get of the fare, and without whom else it was offered to.
pub fn ride(principal: &Principal, mut row: rows::Ride) -> Ride {
    if principal.is_staff() {
        return row.into();
    }
    let own = &*principal.name().0;
    let is_driver = drives(principal, &row);
    if is_driver {
        row.offer = row.offer.filter(|offer| offer.driver == own);
        row.story.retain(|step| step.driver.as_deref().is_none_or(|driver| driver == own));
    } else {
        row.offer = None;
        let of_offers = [What::Offered, What::Declined, What::Expired, What::Withdrawn];
        row.story.retain(|step| !of_offers.contains(&step.what()));
    }
    let mut ride = Ride::from(row);
    ride.hide_shares(is_driver);
    ride
}

/// Has whoever may see only the own rides, and names nobody, mean those.
pub fn only_own(principal: &Principal, mut filter: RideFilter) -> RideFilter {
    if !principal.is_staff() && filter.rider.is_none() && filter.driver.is_none() {
        let own = principal.name().0.to_string();
        let slot = if principal.is(Role::Rider) { &mut filter.rider } else { &mut filter.driver };
        *slot = Some(own);
    }
    filter
}
