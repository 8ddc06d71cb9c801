//! The only code that changes the state. Total: a fact that happened is taken, whatever the state.
//!
//! Never routes, snaps or prices: what it needs is in the event, so logs of any age can be folded.

mod driver;
mod market;
mod ride;

pub(crate) use driver::repool;

use crate::record::Event;
use crate::state::State;
use hansom_geo_index::{Millis, Network};

/// Changes the state by one fact of a turn at `at`.
pub fn evolve(state: &mut State, network: &Network, at: Millis, event: &Event) {
    match event {
        Event::DriverMoved { driver, seq, age_ms, coord, fix, clamped: _ } => {
            driver::moved(state, network, *driver, *seq, (at, at - Millis(i64::from(*age_ms))), *coord, *fix);
        }
        // Checkpoints are compared by whoever folds: see `steps::diverged`.
        Event::PingRefused { .. } | Event::Refused { .. } | Event::Repeated { .. } | Event::Checkpoint { .. } => {}
        Event::Keyed { key, fingerprint, offset, ride } => market::keyed(state, at, *key, *fingerprint, *offset, *ride),

        Event::ShiftStarted(e) => driver::shift_started(state, network, at, e),
        Event::SessionOpened { driver, session } => driver::session_opened(state, *driver, *session),
        Event::ShiftFinishing { driver } => driver::shift_finishing(state, network, *driver),
        Event::ShiftEnded { driver } => driver::shift_ended(state, network, at, *driver),
        Event::DriverKept { driver, until } => driver::kept(state, *driver, *until),
        Event::DriverForgotten { driver } => driver::forgotten(state, *driver),
        Event::LegPlanned { driver, origin, target, weights, eta_ms } => {
            driver::leg_planned(state, at, *driver, (*origin, *target), *weights, *eta_ms);
        }
        Event::DriverChainable { driver } => driver::chainable(state, network, *driver),
        Event::ChainDeferred { driver, until } => driver::chain_deferred(state, *driver, *until),
        Event::SilenceRearmed { driver, until } => driver::silence_rearmed(state, *driver, *until),
        Event::DriverWarned { driver, until } => driver::warned(state, *driver, *until),
        Event::DriverDark { driver } => driver::dark(state, network, *driver),

        Event::RideRequested(e) => ride::requested(state, at, e),
        Event::RequestRefused { .. } => state.rides.push(None),
        Event::OfferMade(e) => ride::offered(state, network, e),
        Event::OfferAccepted { ride, driver, promised, slip_at, epoch: _ } => {
            ride::accepted(state, network, at, (*ride, *driver), *promised, *slip_at);
        }
        Event::OfferDeclined { ride, driver, .. } => {
            ride::offer_lost(state, network, at, (*ride, *driver), crate::lifecycle::offer::Outcome::Declined);
        }
        Event::OfferExpired { ride, driver, .. } => {
            ride::offer_lost(state, network, at, (*ride, *driver), crate::lifecycle::offer::Outcome::Expired);
        }
        Event::OfferWithdrawn { ride, driver, .. } => {
            ride::offer_lost(state, network, at, (*ride, *driver), crate::lifecycle::offer::Outcome::Withdrawn);
        }
        Event::RideExhausted { ride } => ride::exhausted(state, *ride),
        Event::RideReviewed { ride, until } => ride::reviewed(state, *ride, *until),
        Event::SlipPassed { ride } => ride::slip_passed(state, *ride),
        Event::DriverArrived { ride, driver, until } => ride::arrived(state, at, (*ride, *driver), *until),
        Event::RiderBoarded { ride, driver } => ride::boarded(state, network, at, (*ride, *driver)),
        Event::RideReleased { ride, driver, cause } => ride::released(state, network, at, (*ride, *driver), *cause),
        Event::RideEnded { ride, outcome, driver, place } => {
            ride::ended(state, network, at, *ride, *outcome, *driver, *place);
        }
        Event::Settled(e) => market::settled(state, e),
        Event::RideRetired { ride } => ride::retired(state, *ride),

        Event::MatchingScheduled { due } => market::matching_scheduled(state, *due),
        Event::MatchingDue { basis, retry } => market::matching_due(state, *basis, *retry),
        Event::MatchingIdle => market::matching_idle(state),
        Event::ProposalTaken { .. } => market::proposal_taken(state),
        Event::KeysExpired { before } => market::keys_expired(state, at, *before),
        Event::WeightsActivated { version } => market::weights_activated(state, at, *version),
        Event::Poisoned { step } => market::poisoned(state, at, *step),
        Event::Resumed { gap_ms } => market::resumed(state, network, at, *gap_ms),
        Event::Upgraded(e) => market::upgraded(state, network, at, e),
    }
}
