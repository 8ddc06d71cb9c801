//! Rides that somebody else orders in a simulated city: its drivers take and drive them, and whoever ordered cancels or nobody.

use std::collections::BTreeMap;

use hansom_engine::RideId;
use hansom_engine::lifecycle::ride::Outcome;
use hansom_geo_index::{Coord, Millis};
use hansom_market::ingest::event::RideRequested;
use hansom_market::ingest::order::CancelRide;
use hansom_market::ingest::{Body, Fact, Published, RideRef};
use hansom_simulator::live::Misbehaviour;
use hansom_simulator::scenario::RUN_OUT;

use crate::live::{History, Live};
use crate::town::town;

/// Streets as the market believes them, phones that are exact.
const EXACT: &str = "traffic.hidden=false pings.noise_m=0 rider.no_show=0 driver.cancel=0";

/// A town with so many guests, one every two minutes.
fn visited(keys: &str, guests: u32) -> Live {
    let mut live = Live::new(&town(keys), Misbehaviour::default());
    for guest in 0..guests {
        let (from, to) = (7 * guest % 90, (7 * guest + 41) % 90);
        live.ask(60 + 120 * i64::from(guest), &format!("guest{guest}"), from, to, 1);
    }
    live
}

fn silent(_: &Published) -> Option<Body> {
    None
}

/// The end of a ride.
fn end(history: &History, ride: RideId) -> Option<(Millis, Outcome, Option<Coord>)> {
    history.of(ride).find_map(|published| match &published.fact {
        Fact::RideEnded(it) => Some((published.time, it.outcome, it.place)),
        _ => None,
    })
}

/// Where a driver was last seen by `at`.
fn seen(history: &History, driver: &hansom_engine::Name, at: Millis) -> Option<Coord> {
    let mut his = history.positions.iter().filter(|location| location.position.driver == *driver);
    his.rfind(|location| location.measured.is_some_and(|measured| measured <= at)).map(|it| it.position.place)
}

fn metres(live_at: Coord, place: Coord) -> f64 {
    // A degree of latitude is 111 km; the town lies at 48 degrees.
    let (dy, dx) = (f64::from(live_at.lat - place.lat), f64::from(live_at.lon - place.lon) * 0.67);
    (dx * dx + dy * dy).sqrt() * 0.0111
}

/// A guest is carried from where he wanted to where he wanted, as long as the way takes.
fn is_carried(history: &History, request: &RideRequested, alighting: Millis) {
    let boarded = history.of(request.ride).find_map(|published| match &published.fact {
        Fact::RiderBoarded(it) => Some((published.time, it.driver.clone())),
        _ => None,
    });
    let (boarded_at, driver) = boarded.expect("somebody picks him up");
    let there = seen(history, &driver, boarded_at).expect("he reports where he is");
    assert!(metres(there, request.pickup) < 5.0, "{there:?} is not {:?}", request.pickup);
    let (ended_at, outcome, place) = end(history, request.ride).expect("the ride ends");
    assert_eq!(outcome, Outcome::Completed);
    let place = place.expect("it ended with a trip");
    assert!(metres(place, request.dropoff) < 5.0, "{place:?} is not {:?}", request.dropoff);
    let (took, way) = (ended_at - boarded_at - alighting, Millis(i64::from(request.direct_ms)));
    assert!((took - way).0.abs() < 500, "it took {took:?} on a way of {way:?}");
}

#[test]
fn a_ride_that_somebody_else_orders_is_driven_as_any_other() {
    for policy in ["nearest", "batch"] {
        let live = visited(&format!("{EXACT} policy.kind={policy} supply.vehicles=12"), 20);
        let alighting = live.scenario.alighting;
        let history = live.live(&mut silent);
        assert_eq!(history.violations, [""; 0], "{policy}");
        assert_eq!((history.tally.others, history.tally.open, history.tally.refused), (20, 0, 0), "{policy}");
        let guests: BTreeMap<RideId, &RideRequested> =
            history.requests("guest").map(|(_, request)| (request.ride, request)).collect();
        assert_eq!(guests.len(), 20);
        for request in guests.values() {
            is_carried(&history, request, alighting);
        }
        // Before, between and after rides of the town: who drives one is promised the other.
        let chained = |of_guest: bool| {
            let offers = history.facts.iter().filter_map(|published| match &published.fact {
                Fact::OfferMade(it) if it.chained => Some(it.ride),
                _ => None,
            });
            offers.filter(|ride| guests.contains_key(ride) == of_guest).count()
        };
        assert!(chained(true) > 0 && chained(false) > 0, "{policy}: {} and {}", chained(true), chained(false));
    }
}

#[test]
fn a_guest_waits_until_whoever_ordered_cancels() {
    // One car for all, and riders of the town who wait for half a minute.
    let mut live = visited(&format!("{EXACT} supply.vehicles=1 rider.patience_s=30 rider.lateness_s=0"), 5);
    live.ask(530, "gone", 30, 60, 1);
    let mut rides = BTreeMap::new();
    let history = live.live(&mut |published| match &published.fact {
        Fact::RideRequested(it) => {
            rides.insert(it.rider.clone(), it.ride);
            // Whoever ordered for him cancels when the last guest asks.
            let gone = rides.get(&"gone".into()).filter(|_| &*it.rider.0 == "guest4");
            gone.map(|ride| Body::CancelRide(CancelRide { ride: RideRef::Number(*ride) }))
        }
        _ => None,
    });
    assert_eq!(history.violations, [""; 0]);
    let guests: Vec<RideId> = history.requests("g").map(|(_, request)| request.ride).collect();
    let by_the_town = |ride: &RideId| {
        let cancels = |body: &Body| matches!(body, Body::CancelRide(it) if it.ride == RideRef::Number(*ride));
        history.orders.iter().any(|order| cancels(&order.body))
    };
    assert!(!guests.iter().any(by_the_town), "a guest gave up by himself");
    let mut patient = 0;
    for (asked_at, request) in history.requests("g") {
        let (ended_at, outcome, _) = end(&history, request.ride).expect("it ends");
        let wanted = if &*request.rider.0 == "gone" { Outcome::CancelledBeforeMatch } else { Outcome::Completed };
        assert_eq!(outcome, wanted, "{}", request.rider);
        patient += u32::from(ended_at - asked_at > Millis::from_secs(900));
    }
    assert!(patient > 0, "nobody had to wait");
    let gave_up = history.requests("r").filter(|(_, request)| by_the_town(&request.ride)).count();
    assert!(gave_up > 10, "{gave_up}");
}

/// At whatever point it is cancelled, its driver goes on with what he has, and nobody is forgotten.
#[test]
fn a_ride_that_whoever_ordered_cancels_lets_its_driver_go() {
    for policy in ["nearest", "batch"] {
        let live = visited(&format!("{EXACT} policy.kind={policy} supply.vehicles=16 demand.rate_per_h=150"), 20);
        let late = live.scenario.period.start + Millis::from_secs(1800);
        let mut guests = BTreeMap::new();
        let mut cancelled = BTreeMap::new();
        let mut chained = Vec::new();
        let history = live.live(&mut |published| {
            if let Fact::RideRequested(it) = &published.fact
                && it.rider.0.starts_with("guest")
            {
                guests.insert(it.ride, guests.len());
            }
            let ride = published.fact.ride()?;
            let guest = *guests.get(&ride)?;
            if matches!(&published.fact, Fact::OfferMade(it) if it.chained) {
                chained.push(ride);
            }
            let after_another = chained.contains(&ride);
            // Each fifth stays; the others go at one point or the next.
            let (step, goes) = match &published.fact {
                Fact::RideRequested(_) => ("requested", guest == 1),
                Fact::OfferMade(_) => ("offered", guest % 5 == 1),
                Fact::OfferAccepted(_) if after_another => ("after another", guest % 5 == 2),
                Fact::OfferAccepted(_) => ("on the way", guest % 5 == 3),
                Fact::DriverArrived(_) => ("there", guest % 5 > 1),
                _ => return None,
            };
            if !goes || cancelled.contains_key(&ride) {
                return None;
            }
            cancelled.insert(ride, step);
            Some(Body::CancelRide(CancelRide { ride: RideRef::Number(ride) }))
        });
        assert_eq!(history.violations, [""; 0], "{policy}");
        assert_eq!((history.tally.open, history.tally.refused), (0, 0), "{policy}");
        for (_, request) in history.requests("guest") {
            let (_, outcome, _) = end(&history, request.ride).expect("it ends");
            let wanted: &[Outcome] = match cancelled.get(&request.ride) {
                Some(&("requested" | "offered")) => &[Outcome::CancelledBeforeMatch],
                Some(_) => &[Outcome::CancelledAfterMatch],
                None => &[Outcome::Completed],
            };
            assert!(
                wanted.contains(&outcome),
                "{policy} {} {:?}: {outcome:?}",
                request.rider,
                cancelled.get(&request.ride)
            );
        }
        for step in ["requested", "offered", "after another", "on the way", "there"] {
            assert!(cancelled.values().any(|at| *at == step), "{policy}: nobody cancelled when {step}");
        }
        // A driver who was on the way is free again, and somebody else's; at the end there may be nobody.
        for ride in cancelled.keys() {
            let (at, _, _) = end(&history, *ride).expect("it ends");
            let his = history.of(*ride).find_map(|published| match &published.fact {
                Fact::OfferAccepted(it) => Some(&it.driver),
                _ => None,
            });
            let boards = |driver: &hansom_engine::Name| {
                history.facts.iter().any(|published| {
                    published.time > at && matches!(&published.fact, Fact::RiderBoarded(it) if it.driver == *driver)
                })
            };
            assert!(at > late || his.is_none_or(boards), "{policy}: the driver of {ride:?} stands");
        }
    }
}

#[test]
fn people_who_misbehave_bring_guests_to_their_ends_too() {
    for seed in 1..=6 {
        misbehave(seed);
    }
}

/// Each third of those who ordered for guests tries to cancel after as many facts of the ride as the seed says.
fn misbehave(seed: usize) {
    let misbehaviour = "retry=0.2,late-accept=0.3,double-accept=0.2,two-devices=0.2,dark=0.1,no-show=0.2";
    for policy in ["nearest", "batch"] {
        let keys =
            format!("seed={seed} policy.kind={policy} supply.vehicles=16 driver.cancel=0.1 silence.redispatch_s=180");
        let run = town(&keys);
        let mut live = Live::new(&run, misbehaviour.parse().expect("all are known"));
        for guest in 0..20 {
            live.ask(60 + 120 * i64::from(guest), &format!("guest{guest}"), 3 * guest, 80 - 3 * guest, 1);
        }
        // Which guest it is, and how much was told of the ride.
        let mut heard: BTreeMap<RideId, (usize, usize)> = BTreeMap::new();
        let mut fickle = Vec::new();
        let history = live.live(&mut |published| {
            let ride = published.fact.ride()?;
            if let Fact::RideRequested(it) = &published.fact
                && it.rider.0.starts_with("guest")
            {
                heard.insert(ride, (heard.len(), 0));
            }
            let (guest, facts) = heard.get_mut(&ride)?;
            *facts += 1;
            (*guest % 3 == 0 && *facts == seed).then(|| {
                fickle.push(ride);
                Body::CancelRide(CancelRide { ride: RideRef::Number(ride) })
            })
        });
        assert_eq!(history.violations, [""; 0], "{policy}");
        assert_eq!((history.tally.others, history.tally.open), (20, 0), "{policy}");
        assert!(!fickle.is_empty());
        for (_, request) in history.requests("guest") {
            let (_, outcome, _) = end(&history, request.ride).expect("it ends");
            // Guests come, and wait; only drivers can fail them, and those who ordered.
            let ended = match outcome {
                Outcome::Completed | Outcome::EndedEarly | Outcome::NoDriver => true,
                Outcome::CancelledBeforeMatch | Outcome::CancelledAfterMatch => fickle.contains(&request.ride),
                Outcome::NoShow | Outcome::Refused => false,
            };
            assert!(ended, "seed {seed} {policy} {}: {outcome:?}", request.rider);
        }
    }
}

/// Where nobody can be served, riders of the town give up as they would without guests; a guest does not, and the town does not
/// wait for him for ever.
#[test]
fn a_town_is_the_same_with_guests_and_ends_though_one_of_them_waits() {
    let keys = "supply.vehicles=1 supply.shift_end=2026-03-05T08:05:01+01:00";
    let alone = visited(keys, 0).live(&mut silent);
    let live = visited(keys, 5);
    let period = live.scenario.period;
    let with_guests = live.live(&mut silent);
    let riders = |history: &History| -> Vec<_> {
        let what = |(at, request): (Millis, &RideRequested)| {
            let (ended_at, outcome, _) = end(history, request.ride).expect("he gives up");
            (at, request.rider.clone(), request.pickup, request.dropoff, ended_at, outcome)
        };
        history.requests("r").map(what).collect()
    };
    assert!(riders(&alone).len() > 100);
    assert_eq!(riders(&alone), riders(&with_guests));
    assert!(alone.over < period.end + Millis::from_secs(1800), "{:?}", alone.over);
    assert_eq!((with_guests.tally.others, with_guests.tally.open), (5, 5));
    assert!(with_guests.over > period.end + RUN_OUT, "{:?}", with_guests.over);
    assert!(with_guests.over < period.end + RUN_OUT + Millis::from_secs(600), "{:?}", with_guests.over);
}

/// Whoever orders shortly before the end is brought home; whoever goes on ordering keeps the town open only so long.
#[test]
fn a_town_waits_for_its_guests_but_not_for_ever() {
    let mut live = Live::new(&town("supply.vehicles=6 demand.rate_per_h=1"), Misbehaviour::default());
    let span = (live.scenario.period.end - live.scenario.period.start).0 / 1000;
    live.ask(span - 1, "guest", 3, 40, 1);
    let end_of_period = live.scenario.period.end;
    let history = live.live(&mut silent);
    assert_eq!((history.tally.others, history.tally.open), (1, 0));
    assert!(
        history.over > end_of_period && history.over < end_of_period + Millis::from_secs(1800),
        "{:?}",
        history.over
    );

    let mut live = Live::new(&town("supply.vehicles=6 demand.rate_per_h=1"), Misbehaviour::default());
    for guest in 0..300 {
        live.ask(span - 60 + 60 * i64::from(guest), "guest", guest % 90, (guest + 41) % 90, 1);
    }
    let history = live.live(&mut silent);
    assert!(history.over > end_of_period + RUN_OUT, "{:?}", history.over);
    assert!(history.over < end_of_period + RUN_OUT + Millis::from_secs(60), "{:?}", history.over);
    assert!(history.tally.completed > 60, "{:?}", history.tally);
}
