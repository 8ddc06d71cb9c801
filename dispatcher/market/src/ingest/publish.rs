//! What the outside gets to know of a turn.

use super::event::{
    DriverArrived, DriverDark, DriverWarned, Entry, Fact, OfferAccepted, OfferDeclined, OfferExpired, OfferMade,
    OfferWithdrawn, PingRefused, Poisoned, Refused, Repeated, RequestRefused, Resumed, RideEnded, RideExhausted,
    RideReleased, RideRequested, RiderBoarded, SessionOpened, Settled, ShiftEnded, ShiftFinishing, ShiftStarted,
    Upgraded,
};
use super::names::Names;
use super::words::{ping_refusal_word, refusal_word, request_refusal_word};
use hansom_engine::record::Poison;
use hansom_engine::{DriverId, Event, Key, Name, RideId, Turn};

/// The fact that an event is to the outside; `None`: it is a matter of the market's own, such as a deadline that was put off,
/// or a position, of which there are more than all else and which a stream of its own is for.
pub(super) fn fact(turn: &Turn, event: &Event, names: &Names) -> Option<Fact> {
    let driver = |driver: DriverId| driver_name(names, driver);
    let request = |ride: RideId| names.ride(ride)?.request;
    Some(match event {
        Event::Refused { reason } => Fact::Refused(Refused {
            order: turn.key,
            code: refusal_word(reason).into(),
            reason: reason.to_string().into(),
        }),
        // Who sent it waits for an answer.
        Event::Poisoned { step: Poison::Command } => Fact::Refused(Refused {
            order: turn.key,
            code: "poisoned".into(),
            reason: "the program has a fault that shows on this command; it was skipped".into(),
        }),
        Event::Repeated { first } => Fact::Repeated(Repeated { order: turn.key, first: first.0 }),
        Event::ShiftStarted(_)
        | Event::SessionOpened { .. }
        | Event::ShiftFinishing { .. }
        | Event::ShiftEnded { .. } => return of_shift(turn, event, names),
        Event::PingRefused { driver: who, seq, reason } => Fact::PingRefused(PingRefused {
            driver: names.driver(*who).cloned(),
            seq: *seq,
            code: ping_refusal_word(*reason).into(),
            reason: reason.to_string().into(),
        }),
        Event::DriverWarned { driver: who, until } => {
            Fact::DriverWarned(DriverWarned { driver: driver(*who), until: *until })
        }
        Event::DriverDark { driver: who } => Fact::DriverDark(DriverDark { driver: driver(*who) }),
        Event::RideRequested(_) | Event::RequestRefused { .. } => return requested(turn, event, names),
        Event::OfferMade(_)
        | Event::OfferAccepted { .. }
        | Event::OfferDeclined { .. }
        | Event::OfferExpired { .. }
        | Event::OfferWithdrawn { .. } => return offered(event, names),
        Event::RideExhausted { ride } => Fact::RideExhausted(RideExhausted { ride: *ride, request: request(*ride) }),
        Event::DriverArrived { ride, driver: who, until } => Fact::DriverArrived(DriverArrived {
            ride: *ride,
            request: request(*ride),
            driver: driver(*who),
            until: *until,
        }),
        Event::RiderBoarded { ride, driver: who } => {
            Fact::RiderBoarded(RiderBoarded { ride: *ride, request: request(*ride), driver: driver(*who) })
        }
        Event::RideReleased { ride, driver: who, cause } => Fact::RideReleased(RideReleased {
            ride: *ride,
            request: request(*ride),
            driver: driver(*who),
            cause: *cause,
        }),
        Event::RideEnded { ride, outcome, driver: who, place } => Fact::RideEnded(RideEnded {
            ride: *ride,
            request: request(*ride),
            outcome: *outcome,
            driver: who.map(driver),
            place: place.map(|place| names.coord(place)),
        }),
        Event::Settled(it) => Fact::Settled(Settled {
            ride: it.ride,
            request: request(it.ride),
            cause: it.cause,
            entries: it
                .entries
                .iter()
                .map(|entry| Entry { account: entry.account, amount_minor: entry.amount })
                .collect(),
        }),
        Event::Poisoned { step: step @ (Poison::Ping { .. } | Poison::Timer(_)) } => Fact::Poisoned(Poisoned {
            ride: step.ride(),
            request: step.ride().and_then(request),
            driver: step.driver().and_then(|driver| names.driver(driver).cloned()),
        }),
        Event::Resumed { gap_ms } => Fact::Resumed(Resumed { gap_ms: *gap_ms }),
        Event::Upgraded(it) => Fact::Upgraded(Upgraded { logic_version: it.logic_version }),
        // Listed: whether a new event is for the outside is decided here.
        Event::Keyed { .. }
        | Event::DriverMoved { .. }
        | Event::LegPlanned { .. }
        | Event::DriverChainable { .. }
        | Event::ChainDeferred { .. }
        | Event::SilenceRearmed { .. }
        | Event::MatchingScheduled { .. }
        | Event::MatchingDue { .. }
        | Event::MatchingIdle
        | Event::ProposalTaken { .. }
        | Event::RideReviewed { .. }
        | Event::SlipPassed { .. }
        | Event::RideRetired { .. }
        | Event::DriverKept { .. }
        | Event::DriverForgotten { .. }
        | Event::KeysExpired { .. }
        | Event::WeightsActivated { .. }
        | Event::Checkpoint { .. } => return None,
    })
}

fn of_shift(turn: &Turn, event: &Event, names: &Names) -> Option<Fact> {
    let driver = |driver: DriverId| driver_name(names, driver);
    Some(match event {
        Event::ShiftStarted(it) => Fact::ShiftStarted(ShiftStarted {
            driver: it.name.clone(),
            order: turn.key,
            place: it.coord,
            seats: it.seats,
            class: it.class,
            autonomous: it.autonomous,
            until: it.until,
        }),
        Event::SessionOpened { driver: who, session } => {
            Fact::SessionOpened(SessionOpened { driver: driver(*who), order: turn.key, session: session.0 })
        }
        Event::ShiftFinishing { driver: who } => Fact::ShiftFinishing(ShiftFinishing { driver: driver(*who) }),
        Event::ShiftEnded { driver: who } => Fact::ShiftEnded(ShiftEnded { driver: driver(*who) }),
        _ => return None,
    })
}

fn requested(turn: &Turn, event: &Event, names: &Names) -> Option<Fact> {
    match event {
        Event::RideRequested(it) => Some(Fact::RideRequested(RideRequested {
            ride: it.ride,
            request: turn.key,
            rider: it.rider.clone(),
            pickup: names.coord(it.pickup),
            dropoff: names.coord(it.dropoff),
            seats: it.seats,
            class: it.class,
            direct_ms: it.direct_ms,
            direct_mm: it.direct_mm,
            fare_minor: it.fare,
            first_eta_ms: it.first_eta_ms,
        })),
        Event::RequestRefused { ride, reason } => Some(Fact::RequestRefused(RequestRefused {
            ride: *ride,
            request: turn.key,
            code: request_refusal_word(*reason).into(),
            reason: reason.to_string().into(),
        })),
        _ => None,
    }
}

fn offered(event: &Event, names: &Names) -> Option<Fact> {
    let known = |ride: RideId| names.ride(ride);
    let request = |ride: RideId| -> Option<Key> { known(ride)?.request };
    Some(match event {
        Event::OfferMade(it) => Fact::OfferMade(OfferMade {
            ride: it.ride,
            request: request(it.ride),
            driver: driver_name(names, it.driver),
            epoch: it.epoch,
            deadline: it.deadline,
            pickup_eta_ms: it.pickup_eta_ms,
            chained: it.chained,
            pickup: known(it.ride).map(|ride| ride.pickup),
            dropoff: known(it.ride).map(|ride| ride.dropoff),
        }),
        Event::OfferAccepted { ride, driver, epoch, promised, slip_at: _ } => Fact::OfferAccepted(OfferAccepted {
            ride: *ride,
            request: request(*ride),
            rider: known(*ride).map(|ride| ride.rider.clone()),
            driver: driver_name(names, *driver),
            epoch: *epoch,
            promised: *promised,
        }),
        Event::OfferDeclined { ride, driver, epoch } => {
            let (ride, request, driver) = (*ride, request(*ride), driver_name(names, *driver));
            Fact::OfferDeclined(OfferDeclined { ride, request, driver, epoch: *epoch })
        }
        Event::OfferExpired { ride, driver, epoch } => {
            let (ride, request, driver) = (*ride, request(*ride), driver_name(names, *driver));
            Fact::OfferExpired(OfferExpired { ride, request, driver, epoch: *epoch })
        }
        Event::OfferWithdrawn { ride, driver, epoch } => {
            let (ride, request, driver) = (*ride, request(*ride), driver_name(names, *driver));
            Fact::OfferWithdrawn(OfferWithdrawn { ride, request, driver, epoch: *epoch })
        }
        _ => return None,
    })
}

/// What the outside calls a driver. One without a name would be a fault of ours; his number tells more than nothing.
fn driver_name(names: &Names, driver: DriverId) -> Name {
    names.driver(driver).cloned().unwrap_or_else(|| Name::from(&*format!("#{driver}")))
}
