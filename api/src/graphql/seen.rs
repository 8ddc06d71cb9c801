//! What a principal gets to see of what a market tells.

use hansom_dispatcher::MarketHandle;
use hansom_market::ingest::{Fact, Published};

use super::event::Event;
use crate::auth::{Principal, Role};

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
