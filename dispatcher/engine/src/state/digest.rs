//! The digest of a state: xxh3-128 over every field that is not derived from others, in one fixed order.
//!
//! Derived, and so left out: the pools and the index of free vehicles. Equal digests mean markets that will answer alike.

use super::{Comms, Driver, Matching, Ride, State, TimerKind};
use crate::domain::{Leg, Plan, StopKind};
use crate::lifecycle::{offer, ride, session};
use crate::record::Account;
use hansom_geo_index::{Coord, Position};
use xxhash_rust::xxh3::Xxh3Default;

/// Takes values in; every one is followed by nothing, so variable lengths are written before their items.
struct Sink(Xxh3Default);

impl Sink {
    fn int(&mut self, value: i64) {
        self.0.update(&value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.int(text.len() as i64);
        self.0.update(text.as_bytes());
    }

    fn option(&mut self, value: Option<i64>) {
        self.int(i64::from(value.is_some()));
        self.int(value.unwrap_or(0));
    }

    fn position(&mut self, place: Position) {
        self.int(i64::from(place.edge.0) << 16 | i64::from(place.along));
    }

    fn coord(&mut self, coord: Coord) {
        self.int(i64::from(coord.lat));
        self.int(i64::from(coord.lon));
    }
}

impl State {
    /// The digest of everything the market knows.
    pub fn digest(&self) -> u128 {
        let mut sink = Sink(Xxh3Default::new());
        let State { settings, weights, rides, line, fleet, timers, keys, ledger, matching } = self;
        // The settings are the header's: they cannot differ between states of one log.
        let _ = settings;
        sink.int(i64::from(weights.0));
        sink.int(i64::from(rides.next_id().0));
        for ride in rides.iter() {
            feed_ride(&mut sink, ride);
        }
        sink.int(line.len() as i64);
        for ride in line {
            sink.int(i64::from(ride.0));
        }
        sink.int(fleet.drivers.len() as i64);
        for driver in &fleet.drivers {
            feed_driver(&mut sink, driver);
        }
        sink.int(timers.iter().len() as i64);
        for timer in timers.iter() {
            sink.int(timer.due.0);
            sink.int(kind(timer.kind) << 32 | i64::from(timer.id));
        }
        sink.int(keys.len() as i64);
        for (key, entry) in keys.iter() {
            sink.0.update(&key.0.to_le_bytes());
            sink.int(entry.fingerprint as i64);
            sink.int(entry.offset.0 as i64);
        }
        for (at, key) in keys.creation() {
            sink.int(at.0);
            sink.0.update(&key.0.to_le_bytes());
        }
        for account in Account::ALL {
            sink.int(ledger.balance(account).0);
        }
        let Matching { due, asked } = matching;
        sink.option(due.map(|due| due.0));
        sink.option(asked.map(|asked| asked.0 as i64));
        sink.0.digest128()
    }
}

fn feed_ride(sink: &mut Sink, ride: &Ride) {
    let Ride {
        id,
        rider,
        status,
        requested_at,
        pickup,
        dropoff,
        seats,
        class,
        tier,
        blocked,
        direct_ms,
        fare,
        offer,
        failed_offers,
        resting,
        promised,
        settled,
        timer,
        keys,
    } = ride;
    sink.int(i64::from(id.0));
    sink.text(&rider.0);
    feed_ride_status(sink, *status);
    sink.int(requested_at.0);
    sink.position(*pickup);
    sink.position(*dropoff);
    sink.int(i64::from(*seats) << 16 | i64::from(*class) << 8 | i64::from(*tier));
    sink.int(blocked.len() as i64);
    for driver in blocked {
        sink.int(i64::from(driver.0));
    }
    sink.int(i64::from(*direct_ms));
    sink.int(fare.0);
    sink.int(i64::from(offer.is_some()));
    if let Some(super::Offer { driver, status, epoch, chained, terms }) = offer {
        sink.int(i64::from(driver.0));
        sink.int(match status {
            offer::Status::Open { epoch } => 16 | i64::from(epoch.0) << 8,
            offer::Status::Settled(outcome) => *outcome as i64,
        });
        sink.int(i64::from(epoch.0) << 1 | i64::from(*chained));
        for term in terms.0 {
            sink.int(term);
        }
    }
    sink.int(i64::from(*failed_offers));
    sink.int(resting.len() as i64);
    for (driver, until) in resting {
        sink.int(i64::from(driver.0));
        sink.int(until.0);
    }
    sink.option(promised.map(|at| at.0));
    sink.int(i64::from(*settled));
    sink.option(timer.map(|(timer, _)| kind(timer)));
    sink.option(timer.map(|(_, due)| due.0));
    sink.int(keys.len() as i64);
    for key in keys {
        sink.0.update(&key.0.to_le_bytes());
    }
}

fn feed_ride_status(sink: &mut Sink, status: ride::Status) {
    let (code, detail) = match status {
        ride::Status::Searching => (0, 0),
        ride::Status::Exhausted => (1, 0),
        ride::Status::Offered(driver) => (2, driver.0),
        ride::Status::Assigned(driver) => (3, driver.0),
        ride::Status::Waiting(driver) => (4, driver.0),
        ride::Status::OnBoard(driver) => (5, driver.0),
        ride::Status::Ended(outcome) => (6, outcome as u32),
    };
    sink.int(code << 32 | i64::from(detail));
}

fn feed_driver(sink: &mut Sink, driver: &Driver) {
    let Driver {
        id,
        name,
        session,
        comms,
        seq,
        heard,
        seen,
        seen_at,
        anchor,
        anchor_at,
        leg,
        plan,
        offered,
        chainable,
        seats,
        class,
        autonomous,
        until,
        home,
        rating,
        offers,
        failed_offers,
        cancels,
        silence_due,
        chain_due,
    } = driver;
    sink.int(i64::from(id.0));
    sink.text(&name.0);
    sink.int(match session {
        session::Status::Off => 0,
        session::Status::On => 1,
        session::Status::Finishing => 2,
    });
    sink.int(match comms {
        Comms::Live => 0,
        Comms::Warned => 1,
        Comms::Dark => 2,
    });
    sink.int(i64::from(*seq));
    sink.int(heard.0);
    sink.coord(*seen);
    sink.int(seen_at.0);
    sink.position(*anchor);
    sink.int(anchor_at.0);
    feed_leg(sink, leg.as_ref());
    feed_plan(sink, plan);
    sink.option(offered.map(|ride| i64::from(ride.0)));
    sink.int(i64::from(*chainable) << 1 | i64::from(*autonomous));
    sink.int(i64::from(*seats) << 24 | i64::from(*class) << 16 | i64::from(*rating));
    sink.option(until.map(|until| until.0));
    sink.int(i64::from(home.is_some()));
    sink.coord(home.unwrap_or_default());
    sink.int(i64::from(*offers) << 32 | i64::from(*failed_offers));
    sink.int(i64::from(*cancels));
    sink.option(silence_due.map(|due| due.0));
    sink.option(chain_due.map(|due| due.0));
}

fn feed_leg(sink: &mut Sink, leg: Option<&Leg>) {
    sink.int(i64::from(leg.is_some()));
    if let Some(Leg { origin, started, target, weights, eta_ms, cursor }) = leg {
        sink.position(*origin);
        sink.int(started.0);
        sink.position(*target);
        sink.int(i64::from(weights.0) << 16 | i64::from(*cursor));
        sink.int(i64::from(*eta_ms));
    }
}

fn feed_plan(sink: &mut Sink, plan: &Plan) {
    sink.int(plan.stops().len() as i64);
    for stop in plan.stops() {
        let kind = i64::from(stop.kind == StopKind::Dropoff);
        sink.int(i64::from(stop.ride.0) << 1 | kind);
        sink.position(stop.place);
    }
}

const fn kind(kind: TimerKind) -> i64 {
    kind as i64
}

#[cfg(test)]
mod tests {
    use super::super::{KeyEntry, Offer, Timer};
    use super::*;
    use crate::domain::{DriverId, Epoch, Key, Money, Name, Offset, RideId, Settings, Terms};
    use crate::record::{Entry, Settlement, SettlementCause};
    use hansom_geo_index::network::sample;
    use hansom_geo_index::{EdgeId, Millis, WeightsVersion};

    const HERE: Position = Position { edge: EdgeId(1), along: 2 };
    const THERE: Position = Position { edge: EdgeId(2), along: 3 };

    /// A state with one of everything.
    fn full() -> State {
        let network = sample::grid(3, 3, 100_000, 10_000);
        let mut state = State::new(Settings::default(), &network, Millis::ZERO);
        let mut plan = Plan::default();
        plan.append(RideId(1), HERE, THERE);
        state.fleet.drivers.push(Driver {
            id: DriverId(0),
            name: Name::from("d"),
            session: session::Status::On,
            comms: Comms::Live,
            seq: 1,
            heard: Millis(2),
            seen: Coord { lat: 3, lon: 4 },
            seen_at: Millis(5),
            anchor: HERE,
            anchor_at: Millis(6),
            leg: Some(Leg {
                origin: HERE,
                started: Millis(7),
                target: THERE,
                weights: WeightsVersion(8),
                eta_ms: 9,
                cursor: 10,
            }),
            plan,
            offered: None,
            chainable: false,
            seats: 4,
            class: 0,
            autonomous: false,
            until: None,
            home: None,
            rating: 480,
            offers: 1,
            failed_offers: 0,
            cancels: 0,
            silence_due: Some(Millis(11)),
            chain_due: None,
        });
        state.rides.push(Some(Ride {
            id: RideId(1),
            rider: Name::from("r"),
            status: ride::Status::Assigned(DriverId(0)),
            requested_at: Millis(12),
            pickup: HERE,
            dropoff: THERE,
            seats: 1,
            class: 0,
            tier: 0,
            blocked: Box::default(),
            direct_ms: 13,
            fare: Money(14),
            offer: Some(Offer {
                driver: DriverId(0),
                status: offer::Status::Open { epoch: Epoch(1) },
                epoch: Epoch(1),
                chained: false,
                terms: Terms::default(),
            }),
            failed_offers: 0,
            resting: Vec::new(),
            promised: None,
            settled: false,
            timer: None,
            keys: Vec::new(),
        }));
        state
    }

    /// Changes one field each.
    fn changes() -> Vec<fn(&mut State)> {
        fn ride(state: &mut State) -> &mut Ride {
            state.rides.get_mut(RideId(1)).expect("the ride is there")
        }
        fn driver(state: &mut State) -> &mut Driver {
            &mut state.fleet.drivers[0]
        }
        fn leg(state: &mut State) -> &mut Leg {
            driver(state).leg.as_mut().expect("the driver has a way")
        }
        fn offer(state: &mut State) -> &mut Offer {
            ride(state).offer.as_mut().expect("the ride has an offer")
        }
        vec![
            |s| s.weights = WeightsVersion(1),
            |s| s.rides.push(None),
            |s| {
                s.line.insert(RideId(1));
            },
            |s| s.timers.insert(Timer { due: Millis(1), kind: TimerKind::Offer, id: 1 }),
            |s| s.timers.insert(Timer { due: Millis(1), kind: TimerKind::Silence, id: 1 }),
            |s| s.timers.insert(Timer { due: Millis(1), kind: TimerKind::Offer, id: 2 }),
            |s| s.timers.insert(Timer { due: Millis(2), kind: TimerKind::Offer, id: 1 }),
            |s| s.keys.insert(Key(1), KeyEntry { fingerprint: 1, offset: Offset(1) }),
            |s| s.keys.insert(Key(2), KeyEntry { fingerprint: 1, offset: Offset(1) }),
            |s| s.keys.insert(Key(1), KeyEntry { fingerprint: 2, offset: Offset(1) }),
            |s| s.keys.insert(Key(1), KeyEntry { fingerprint: 1, offset: Offset(2) }),
            |s| s.keys.insert_creation(Millis(1), Key(1), KeyEntry { fingerprint: 1, offset: Offset(1) }),
            |s| {
                s.ledger.post(&Settlement {
                    ride: RideId(1),
                    cause: SettlementCause::Fare,
                    entries: vec![Entry { account: Account::Tolls, amount: Money(1) }],
                });
            },
            |s| s.matching.due = Some(Millis(0)),
            |s| s.matching.asked = Some(Offset(0)),
            |s| ride(s).rider = Name::from("q"),
            |s| ride(s).status = ride::Status::Searching,
            |s| ride(s).status = ride::Status::Waiting(DriverId(0)),
            |s| ride(s).status = ride::Status::Assigned(DriverId(1)),
            |s| ride(s).status = ride::Status::Ended(ride::Outcome::NoShow),
            |s| ride(s).requested_at = Millis(0),
            |s| ride(s).pickup = THERE,
            |s| ride(s).dropoff = HERE,
            |s| ride(s).seats = 2,
            |s| ride(s).class = 1,
            |s| ride(s).tier = 1,
            |s| ride(s).blocked = [DriverId(0)].into(),
            |s| ride(s).direct_ms = 0,
            |s| ride(s).fare = Money(0),
            |s| ride(s).offer = None,
            |s| offer(s).driver = DriverId(1),
            |s| offer(s).status = offer::Status::Settled(offer::Outcome::Accepted),
            |s| offer(s).status = offer::Status::Settled(offer::Outcome::Expired),
            |s| offer(s).epoch = Epoch(2),
            |s| offer(s).chained = true,
            |s| offer(s).terms.0[3] = 1,
            |s| ride(s).failed_offers = 1,
            |s| ride(s).resting.push((DriverId(0), Millis(0))),
            |s| ride(s).resting.push((DriverId(0), Millis(1))),
            |s| ride(s).promised = Some(Millis(0)),
            |s| ride(s).settled = true,
            |s| ride(s).timer = Some((TimerKind::Slip, Millis(0))),
            |s| ride(s).timer = Some((TimerKind::Slip, Millis(1))),
            |s| ride(s).keys.push(Key(0)),
            |s| driver(s).name = Name::from("e"),
            |s| driver(s).session = session::Status::Finishing,
            |s| driver(s).comms = Comms::Warned,
            |s| driver(s).seq = 0,
            |s| driver(s).heard = Millis(0),
            |s| driver(s).seen.lat = 0,
            |s| driver(s).seen.lon = 0,
            |s| driver(s).seen_at = Millis(0),
            |s| driver(s).anchor = THERE,
            |s| driver(s).anchor_at = Millis(0),
            |s| driver(s).leg = None,
            |s| leg(s).origin = THERE,
            |s| leg(s).started = Millis(0),
            |s| leg(s).target = HERE,
            |s| leg(s).weights = WeightsVersion(0),
            |s| leg(s).eta_ms = 0,
            |s| leg(s).cursor = 0,
            |s| driver(s).plan.serve(RideId(1), StopKind::Pickup),
            |s| driver(s).plan.serve(RideId(1), StopKind::Dropoff),
            |s| driver(s).offered = Some(RideId(1)),
            |s| driver(s).chainable = true,
            |s| driver(s).seats = 3,
            |s| driver(s).class = 1,
            |s| driver(s).autonomous = true,
            |s| driver(s).until = Some(Millis(0)),
            |s| driver(s).home = Some(Coord::default()),
            |s| driver(s).rating = 0,
            |s| driver(s).offers = 0,
            |s| driver(s).failed_offers = 1,
            |s| driver(s).cancels = 1,
            |s| driver(s).silence_due = None,
            |s| driver(s).chain_due = Some(Millis(0)),
        ]
    }

    #[test]
    fn each_field_changes_the_digest() {
        let mut seen = vec![full().digest()];
        for (index, change) in changes().into_iter().enumerate() {
            let mut state = full();
            change(&mut state);
            let digest = state.digest();
            assert!(!seen.contains(&digest), "change {index} leaves the digest as another one does");
            seen.push(digest);
        }
    }
}
