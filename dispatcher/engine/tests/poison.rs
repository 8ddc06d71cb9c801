//! Stories of faults in the program: what cannot be decided is skipped or put off, and delays only itself.
//!
//! `fault in STEP` has the rules panic from then on whenever they decide such a step.

mod market;
mod story;

use hansom_engine::domain::{Hours, Money, Offset, RideId, Settings};
use hansom_engine::record::{Command, Event, Poison, RideRequested, StartShift, Turn};
use hansom_engine::state::{Timer, TimerKind};
use hansom_engine::{Desk, Name, Stamp, State, steps};
use hansom_geo_index::network::sample;
use hansom_geo_index::place::SnapIndex;
use hansom_geo_index::route::Router;
use hansom_geo_index::{EdgeId, Millis, NodeId, Position, WeightsVersion};
use market::settings;
use std::sync::Arc;
use story::story;

#[test]
fn a_command_that_cannot_be_decided_is_skipped_and_may_come_again() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        1s rules fault in requests
        10s R1 requests 3,0 -> 9,0 key 7 > ~ skipped
        11s rules fault in nothing
        12s R1 requests 3,0 -> 9,0 key 7 > R1 direct 60s, fare 400; offered R1 to D0 until 27s
        13s R1 requests 3,0 -> 9,0 key 7 = as at 2
        14s rules fault in accepts
        15s D0 accepts R1 > ~ skipped
        16s rules fault in nothing
        17s D0 accepts R1 > D0 takes R1, there at 47s
        ",
    );
}

#[test]
fn a_ping_that_cannot_be_decided_delays_only_itself() {
    story(
        &settings(),
        "
        0s D0 starts at 3,0 > D0 on shift
        0s rules fault in ping-2
        15s D0 pings twice 3,0 > D0 stands; ~ ping 2 of D0 skipped
        30s D0 pings 4,0 > D0 moved
        ",
    );
}

#[test]
fn an_offer_that_cannot_expire_is_looked_at_again() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        0s D1 starts at 20,20 > D1 on shift
        0s rules fault in offer
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        25.001s . > ~ Offer 1 put off
        26s rules fault in review
        625.002s . > ~ Review 1 put off
        626s rules fault in nothing
        1225.003s . > expired R1 at D0
        1230s R1 waits
        ",
    );
}

#[test]
fn an_offer_that_cannot_expire_can_be_taken() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        0s rules fault in offer
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        25.001s . > ~ Offer 1 put off
        30s D0 accepts R1 > D0 takes R1, there at 60s
        ",
    );
}

#[test]
fn a_rider_who_cannot_be_a_no_show_is_waited_for() {
    story(
        &settings(),
        "
        0s D0 starts at 3,0 > D0 on shift
        0s rules fault in no-show
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 12s
        13s D0 arrives for R1 > D0 waits for R1 until 313s
        60s D0 pings 3,0 > D0 on route
        115s D0 pings 3,0 > D0 on route
        170s D0 pings 3,0 > D0 on route
        225s D0 pings 3,0 > D0 on route
        280s D0 pings 3,0 > D0 on route
        313.001s . > ~ NoShow 1 put off
        330s D0 pings 3,0 > D0 on route
        340s D0 boards R1 > R1 on board of D0
        ",
    );
}

#[test]
fn a_silence_that_cannot_be_judged_is_judged_later() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        0s rules fault in silence
        10s R1 requests 15,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 162s
        60.001s . > ~ Silence 0 put off
        61s rules fault in nothing
        660.002s . > D0 warned until 720.001s
        720.002s . > D0 dark; R1 back in line: D0 Silent
        730s R1 waits
        ",
    );
}

#[test]
fn a_matching_that_cannot_be_decided_is_tried_again() {
    story(
        &settings(),
        "
        0s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400
        1s rules fault in matching
        5.001s . > ~ Matching 0 put off
        6s rules fault in nothing
        7s D0 starts at 3,1 > D0 on shift
        7.001s . > offered R1 to D0 until 22.001s
        8s R1 waits
        ",
    );
}

#[test]
fn a_chain_and_a_slip_that_cannot_be_judged_are_judged_later() {
    let mut settings = settings();
    settings.policy.chain_horizon = Millis::from_secs(60);
    settings.silence_warn = Millis::from_secs(3600);
    settings.silence_redispatch = Millis::from_secs(7200);
    settings.policy.chain_slip = Millis::from_secs(30);
    story(
        &settings,
        "
        0s D0 starts at 3,0 > D0 on shift
        0s rules fault in chain
        10s R1 requests 3,0 -> 13,0 > R1 direct 100s, fare 428; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 12s
        13s D0 arrives for R1 > D0 waits for R1 until 313s
        43s D0 boards R1 > R1 on board of D0
        102.001s . > ~ Chain 0 put off
        103s rules fault in nothing
        702.002s . > D0 chainable
        703s R2 requests 14,0 -> 20,0 > R2 direct 60s, fare 400; offered R2 to D0 until 718s, chained
        704s D0 accepts R2 > D0 takes R2, there at 734s
        705s rules fault in slip
        754.001s . > ~ Slip 2 put off
        755s rules fault in nothing
        1354.002s . > R2 back in line: D0 Slipped
        1400s R2 waits
        ",
    );
}

#[test]
fn what_cannot_leave_the_state_leaves_it_later() {
    let settings = Settings { creation_key_life: Millis::from_secs(120), ..settings() };
    story(
        &settings,
        "
        0s D0 starts at 3,0 key 6 > D0 on shift
        0s rules fault in retire
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        11s R1 cancels key 8 > R1 cancelled_before_match; withdrawn R1 from D0
        20s rules fault in key-expiry
        120.001s . > ~ KeyExpiry 0 put off
        130s D0 starts at 3,0 key 6 = as at 0
        140s rules fault in retire
        611.001s . > ~ Retire 1 put off
        612s R1 cancels key 8 = as at 2
        613s rules fault in nothing
        1211.002s . > R1 forgotten
        1212s R1 cancels ! no such ride, or it ended long ago
        ",
    );
}

#[test]
fn weights_that_cannot_come_into_force_come_later() {
    let hours = Hours(vec![(Millis::ZERO, WeightsVersion(0)), (Millis::from_secs(100), WeightsVersion(0))]);
    story(
        &Settings { hours, ..settings() },
        "
        0s D0 starts at 3,0 > D0 on shift
        0s rules fault in weights
        100.001s . > ~ Weights 0 put off
        101s rules fault in nothing
        700.002s . > weights 0
        800s R1 waits
        ",
    );
}

#[test]
fn a_market_that_cannot_take_its_outage_in_works_all_the_same() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        1s rules fault in returns
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        110s market returns since 10s > ~ skipped; expired R1 at D0
        111s R2 requests 3,0 -> 9,0 > R2 direct 60s, fare 400; offered R2 to D0 until 126s
        ",
    );
}

/// The rules fail on one ride in line, which is nowhere: the others get their drivers, and it is told which one it was.
#[test]
fn a_ride_that_cannot_be_matched_holds_up_nobody_else_in_line() {
    let network = Arc::new(sample::grid(21, 21, 100_000, 10_000));
    let (router, snap) = (Arc::new(Router::new(network.clone())), Arc::new(SnapIndex::new(&network)));
    let mut desk = Desk::new(network.clone(), router, snap);
    let mut state = State::new(settings(), &network, Millis(0));
    let asked = |ride, edge| RideRequested {
        ride: RideId(ride),
        rider: Name(format!("r{ride}").into()),
        pickup: Position { edge: EdgeId(edge), along: 0 },
        dropoff: Position { edge: EdgeId(9), along: 0 },
        seats: 1,
        class: 0,
        tier: 0,
        blocked: [].into(),
        weights: WeightsVersion(0),
        direct_ms: 1000,
        direct_mm: 1000,
        fare: Money(100),
        first_eta_ms: None,
        review_at: Millis::from_secs(600),
    };
    let requests =
        [(1, 3), (2, u32::MAX), (3, 5)].map(|(ride, edge)| Event::RideRequested(Box::new(asked(ride, edge))));
    let before =
        Turn { offset: Offset(0), at: Millis(0), key: None, command: Command::Tick, events: requests.to_vec() };
    steps::fold(&mut state, &network, &before);
    let mut take = |at, command| {
        steps::turn(&mut desk, &mut state, Stamp { at, offset: Offset(1) }, None, command, Vec::new()).events
    };
    for number in 0..3 {
        let shift = StartShift {
            driver: Name(format!("d{number}").into()),
            place: network.node_coord(NodeId(0)),
            seats: 4,
            class: 0,
            autonomous: false,
            until: None,
            home: None,
            rating: 480,
        };
        take(Millis(1), Command::StartShift(Box::new(shift)));
    }
    let matched = take(Millis(2), Command::Tick);
    let offered: Vec<RideId> = matched
        .iter()
        .filter_map(|event| match event {
            Event::OfferMade(offer) => Some(offer.ride),
            _ => None,
        })
        .collect();
    assert_eq!(offered, [RideId(1), RideId(3)]);
    let which = Timer { due: Millis(2), kind: TimerKind::Matching, id: 2 };
    assert!(matched.contains(&Event::Poisoned { step: Poison::Timer(which) }), "{matched:?}");
    assert_eq!(Poison::Timer(which).ride(), Some(RideId(2)));
    assert_eq!(state.next_deadline(), Some(Millis::from_secs(5) + Millis(2)), "the line is looked at again soon");
}
