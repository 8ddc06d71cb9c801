//! Every field of a state is in its bytes and its digests, and comes back from them.

use crate::domain::{DriverId, Epoch, Key, Leg, Money, Name, Offset, Plan, RideId, Session, Settings, StopKind, Terms};
use crate::lifecycle::{offer, ride, session};
use crate::record::{Account, Entry, Settlement, SettlementCause};
use crate::state::{Comms, Driver, KeyEntry, Offer, Ride, SLICES, State, Timer, TimerKind};
use hansom_geo_index::network::sample;
use hansom_geo_index::{Coord, EdgeId, Millis, Network, Position, WeightsVersion};

const HERE: Position = Position { edge: EdgeId(1), along: 2 };
const THERE: Position = Position { edge: EdgeId(2), along: 3 };

fn network() -> Network {
    sample::grid(3, 3, 100_000, 10_000)
}

/// A state with one of everything.
fn full() -> State {
    let mut state = State::new(Settings::default(), &network(), Millis::ZERO);
    let mut plan = Plan::default();
    plan.append(RideId(1), HERE, THERE);
    state.fleet.drivers.put(Driver {
        id: DriverId(0),
        name: Name::from("d"),
        session: session::Status::On,
        comms: Comms::Live,
        seq: 1,
        device: Session(2),
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
        forget_due: None,
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
        extended: Millis::ZERO,
        timer: None,
        keys: Vec::new(),
        request: None,
    }));
    state
}

fn ride(state: &mut State) -> &mut Ride {
    state.rides.get_mut(RideId(1)).expect("the ride is there")
}
fn driver(state: &mut State) -> &mut Driver {
    state.fleet.drivers.get_mut(DriverId(0)).expect("the driver is there")
}
fn leg(state: &mut State) -> &mut Leg {
    driver(state).leg.as_mut().expect("the driver has a way")
}
fn offer(state: &mut State) -> &mut Offer {
    ride(state).offer.as_mut().expect("the ride has an offer")
}

/// Changes one field each.
fn changes() -> Vec<Change> {
    [changes_of_the_market(), changes_of_a_ride(), changes_of_a_driver()].concat()
}

type Change = fn(&mut State);

fn changes_of_the_market() -> Vec<Change> {
    vec![
        |s| s.logic_version += 1,
        |s| {
            let settings = Settings { give_up: Millis(1), ..(*s.settings).clone() };
            s.settings = std::sync::Arc::new(settings);
        },
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
        |s| s.keys.expiry_due = Some(Millis(0)),
        |s| s.matching.due = Some(Millis(0)),
        |s| s.matching.asked = Some(Offset(0)),
    ]
}

fn changes_of_a_ride() -> Vec<Change> {
    vec![
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
        |s| ride(s).extended = Millis(1),
        |s| ride(s).timer = Some((TimerKind::Slip, Millis(0))),
        |s| ride(s).timer = Some((TimerKind::Slip, Millis(1))),
        |s| ride(s).keys.push(Key(0)),
        |s| ride(s).request = Some(Key(0)),
        |s| ride(s).request = Some(Key(1)),
    ]
}

fn changes_of_a_driver() -> Vec<Change> {
    vec![
        |s| driver(s).name = Name::from("e"),
        |s| driver(s).session = session::Status::Finishing,
        |s| driver(s).comms = Comms::Warned,
        |s| driver(s).seq = 0,
        |s| driver(s).device = Session::FIRST,
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
        |s| driver(s).forget_due = Some(Millis(0)),
    ]
}

/// All digests of a state: the whole one, those of its 64 slices, and those of its 1,024.
fn digests(state: &State) -> (u128, Vec<u64>, Vec<u64>) {
    let slices = |range: std::ops::Range<u16>| range.map(|slice| state.slice_digest(slice)).collect();
    (state.digest(), slices(0..64), slices(64..SLICES))
}

#[test]
fn each_field_changes_the_digest_and_that_of_a_slice() {
    let mut seen = vec![digests(&full())];
    for (index, change) in changes().into_iter().enumerate() {
        let mut state = full();
        change(&mut state);
        let changed = digests(&state);
        assert!(!seen.iter().any(|other| other.0 == changed.0), "change {index} leaves the digest as another one does");
        // A key that belongs to nothing is counted, not looked at: so compared with the state unchanged only.
        assert_ne!(changed.1, seen[0].1, "change {index} leaves the slices as they were");
        assert_ne!(changed.2, seen[0].2, "change {index} leaves the fine slices as they were");
        seen.push(changed);
    }
}

#[test]
fn each_field_comes_back() {
    for change in changes() {
        let mut state = full();
        change(&mut state);
        let bytes = state.encode();
        let back = State::decode(&bytes, &network()).expect("a state");
        assert_eq!(back.encode(), bytes);
    }
}

/// A state with more entries than there are slices.
fn crowded() -> State {
    let mut state = full();
    let (first, ride) = (driver(&mut state).clone(), ride(&mut state).clone());
    for number in 1..=1_200_u32 {
        let name = Name::from(format!("driver {number}").as_str());
        state.fleet.drivers.put(Driver { id: DriverId(number), name, ..first.clone() });
        state.rides.push(Some(Ride { id: RideId(1 + number), ..ride.clone() }));
    }
    for number in 0..1_200_u32 {
        let entry = KeyEntry { fingerprint: 1, offset: Offset(1) };
        state.keys.insert_creation(Millis(1), Key(u128::from(number)), entry);
        state.timers.insert(Timer { due: Millis(1_024 * i64::from(number)), kind: TimerKind::Review, id: number });
    }
    state
}

/// None of these changes how many there are of something, which is in each slice.
#[test]
fn an_entry_is_in_the_slice_of_its_number() {
    fn moved(state: &mut State, due: i64) {
        let timer = Timer { due: Millis(1_024 * 1_100), kind: TimerKind::Review, id: 1_100 };
        state.timers.replace(Some(timer), Some(Timer { due: Millis(due), ..timer }));
    }
    let before = digests(&crowded());
    let changes: [(Change, &[usize], &[usize]); 6] = [
        (|s| s.fleet.drivers.get_mut(DriverId(1_100)).expect("he is there").rating = 300, &[12], &[76]),
        (|s| s.rides.get_mut(RideId(1_100)).expect("it is there").seats = 3, &[12], &[76]),
        (|s| s.keys.insert(Key(1_100), KeyEntry { fingerprint: 2, offset: Offset(1) }), &[12], &[76]),
        (|s| moved(s, 1_024 * 1_100 + 1), &[12], &[76]),
        (|s| moved(s, 1_024 * 1_101 - 1), &[12], &[76]),
        (|s| moved(s, 1_024 * 1_101), &[12], &[76, 77]),
    ];
    for (index, (change, coarse, fine)) in changes.into_iter().enumerate() {
        let mut state = crowded();
        change(&mut state);
        let after = digests(&state);
        let changed = |before: &[u64], after: &[u64]| -> Vec<usize> {
            (0..before.len()).filter(|slice| before[*slice] != after[*slice]).collect()
        };
        assert_eq!(changed(&before.1, &after.1), coarse, "change {index}");
        assert_eq!(changed(&before.2, &after.2), fine, "change {index}");
    }
}

#[test]
fn each_slice_has_its_turn_once_a_round() {
    let mut state = full();
    let round = |state: &State, from: u64, of: u64| {
        let mut round: Vec<u16> = (from..from + of).map(|nth| state.nth_slice(nth)).collect();
        round.sort_unstable();
        round
    };
    assert_eq!(round(&state, 5, 64), (0..64).collect::<Vec<_>>());
    for id in 0..100_000 {
        state.timers.insert(Timer { due: Millis(1), kind: TimerKind::Review, id });
    }
    assert_eq!(round(&state, 5, 1_024), (64..SLICES).collect::<Vec<_>>());
    assert_eq!(state.nth_slice(1_024), state.nth_slice(0));
}

#[test]
fn bytes_that_are_no_state_of_this_network_are_refused() {
    let network = network();
    let refused = |change: fn(&mut State)| {
        let mut state = full();
        change(&mut state);
        State::decode(&state.encode(), &network).expect_err("no state").to_string()
    };
    let beyond = "a value is no place on the network";
    assert_eq!(refused(|s| driver(s).anchor.edge = EdgeId(1000)), beyond);
    assert_eq!(refused(|s| s.rides.get_mut(RideId(1)).expect("there").dropoff.edge = EdgeId(1000)), beyond);
    assert_eq!(refused(|s| driver(s).id = DriverId(1)), "a value is no place of its own");
    assert_eq!(refused(|s| s.rides.get_mut(RideId(1)).expect("there").id = RideId(2)), "columns differ in length");
    let bytes = full().encode();
    let mut later = bytes.clone();
    later[1] = 9;
    let refused = |bytes: &[u8]| State::decode(bytes, &network).expect_err("no state").to_string();
    assert_eq!(refused(&later), "`State` is of kind 9, which this version does not know");
    for end in 0..bytes.len() {
        refused(&bytes[..end]);
    }
}
