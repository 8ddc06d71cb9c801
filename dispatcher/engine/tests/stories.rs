//! Lifecycles told as stories: every path of a ride, an offer and a shift.

mod market;
mod story;

use hansom_engine::domain::{Planner, Settings};
use hansom_geo_index::Millis;
use market::settings;
use story::story;

fn batch() -> Settings {
    let mut settings = settings();
    settings.policy.planner = Planner::Batch;
    settings
}

fn chaining() -> Settings {
    let mut settings = settings();
    settings.policy.chain_horizon = Millis::from_secs(60);
    settings
}

#[test]
fn a_ride_from_request_to_fare() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 42s
        42s D0 arrives for R1 > D0 waits for R1 until 342s
        60.001s . > D0 warned until 120s
        72s D0 boards R1 > R1 on board of D0
        120.001s . > D0 dark
        132s D0 ends R1 at 9,0 > R1 completed; R1 pays 400
        732.001s . > R1 forgotten
        800s R1 waits
        ",
    );
}

#[test]
fn all_drivers_turn_a_ride_down() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        0s D1 starts at 2,0 > D1 on shift
        0s D2 starts at 20,20 > D2 on shift
        10s R1 requests 0,0 -> 9,0 > R1 direct 90s, fare 410; offered R1 to D0 until 25s
        12s D0 declines R1 > declined R1 by D0
        12.001s . > offered R1 to D1 until 27.001s
        27.002s . > expired R1 at D1
        27.003s . > offered R1 to D2 until 42.003s
        40s R1 waits
        42.004s . > expired R1 at D2; R1 exhausted
        50s D2 declines R1 ! the offer was already expired
        60s R1 cancels > R1 no_driver
        ",
    );
}

#[test]
fn a_ride_that_nobody_took_is_given_up_after_an_hour() {
    let mut settings = settings();
    settings.max_offers = 1;
    story(
        &settings,
        "
        0s D0 starts at 0,0 > D0 on shift
        10s R1 requests 0,0 -> 9,0 > R1 direct 90s, fare 410; offered R1 to D0 until 25s
        12s D0 declines R1 > declined R1 by D0; R1 exhausted
        3612.006s . > R1 no_driver
        4000s R1 waits
        ",
    );
}

#[test]
fn an_accept_after_the_deadline_is_late() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        25s D0 accepts R1 > D0 takes R1, there at 55s
        30s R2 requests 3,0 -> 9,0 > R2 direct 60s, fare 400
        ",
    );
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        25.001s . > expired R1 at D0
        25.001s D0 accepts R1 ! the offer was already expired
        ",
    );
}

#[test]
fn an_accept_comes_twice() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 key 7 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        11s R1 requests 3,0 -> 9,0 key 7 = as at 1
        11s R1 requests 3,0 -> 8,0 key 7 ! the key was used before for a different command
        12s D0 accepts R1 key 8 > D0 takes R1, there at 42s
        13s D0 accepts R1 key 8 = as at 4
        14s D0 accepts R1 key 9 ! the offer was already accepted
        15s D0 declines R1 key 8 ! the key was used before for a different command
        ",
    );
}

#[test]
fn an_answer_to_an_older_offer_is_stale() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        12s D0 declines R1 > declined R1 by D0
        72.013s . > offered R1 to D0 until 87.013s
        75s R1 waits
        80s D0 accepts R1 E1 ! the answer is for epoch 1, the open offer is of epoch 2
        81s D0 accepts R1 E2 > D0 takes R1, there at 111s
        ",
    );
}

#[test]
fn no_driver_is_there() {
    story(
        &settings(),
        "
        0s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400
        60s R1 cancels > R1 cancelled_before_match
        70s R2 requests 3,0 -> 9,0 > R2 direct 60s, fare 400
        90s D0 starts at 3,1 > D0 on shift
        90.001s . > offered R2 to D0 until 105.001s
        91s D0 accepts R2 > D0 takes R2, there at 101.001s
        ",
    );
}

#[test]
fn the_rider_cancels_before_the_match_while_an_accept_is_in_flight() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        12s R1 cancels > R1 cancelled_before_match; withdrawn R1 from D0
        12.5s D0 accepts R1 ! the offer was already withdrawn
        13s R1 cancels ! the ride has already ended: cancelled_before_match
        14s R2 requests 3,0 -> 9,0 > R2 direct 60s, fare 400; offered R2 to D0 until 29s
        ",
    );
}

#[test]
fn the_rider_cancels_after_the_match() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 42s
        20s R1 cancels > R1 cancelled_after_match; R1 pays 300
        21s D0 arrives for R1 ! the ride has already ended: cancelled_after_match
        22s R2 requests 3,0 -> 9,0 > R2 direct 60s, fare 400; offered R2 to D0 until 37s
        23s D0 accepts R2 > D0 takes R2, there at 53s
        53s D0 arrives for R2 > D0 waits for R2 until 353s
        60s R2 cancels > R2 cancelled_after_match; R2 pays 300
        ",
    );
}

#[test]
fn nobody_cancels_a_rider_on_board() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 42s
        42s D0 boards R1 ! the driver has not arrived at the pickup
        42s D0 arrives for R1 > D0 waits for R1 until 342s
        43s D0 arrives for R1 ! the driver has already arrived at the pickup
        60.001s . > D0 warned until 120s
        72s D0 boards R1 > R1 on board of D0
        80s R1 cancels ! the rider is on board; end the trip instead
        81s D0 drops R1 ! the rider is on board; end the trip instead
        82s D0 boards R1 ! the rider is on board; end the trip instead
        ",
    );
}

#[test]
fn the_driver_cancels() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        0s D1 starts at 20,20 > D1 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        11s R2 requests 3,0 -> 9,0 > R2 direct 60s, fare 400; offered R2 to D1 until 26s
        12s D0 accepts R1 > D0 takes R1, there at 42s
        13s D1 accepts R2 > D1 takes R2, there at 382.999s
        14s D0 drops R1 > R1 back in line: D0 DriverCancelled
        15s D0 drops R1 ! the ride is searching and has no driver
        16s D1 drops R1 ! the ride is searching and has no driver
        60.001s . > D1 warned until 120s
        74.013s . > offered R1 to D0 until 89.013s
        89.014s . > expired R1 at D0
        100s R1 waits
        ",
    );
}

#[test]
fn the_rider_does_not_show_up() {
    story(
        &settings(),
        "
        0s D0 starts at 3,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 12s
        13s D0 arrives for R1 > D0 waits for R1 until 313s
        60s D0 pings 3,0 > D0 on route
        120s D0 pings 3,0 > D0 on route
        180s D0 pings 3,0 > D0 on route
        240s D0 pings 3,0 > D0 on route
        280s D0 pings 3,0 > D0 on route
        313.001s . > R1 no_show; R1 pays 500
        320s R2 requests 3,0 -> 9,0 > R2 direct 60s, fare 400; offered R2 to D0 until 335s
        321s D0 boards R1 ! the ride has already ended: no_show
        ",
    );
}

#[test]
fn a_shift_ends_on_a_trip() {
    story(
        &settings(),
        "
        0s D0 starts at 3,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 12s
        13s D0 arrives for R1 > D0 waits for R1 until 313s
        43s D0 boards R1 > R1 on board of D0
        50s D0 ends shift > D0 finishing
        51s D0 ends shift ! the driver is already finishing
        52s R2 requests 9,0 -> 3,0 > R2 direct 60s, fare 400
        60.001s . > D0 warned until 120s
        103s D0 ends R1 at 9,0 > R1 completed; R1 pays 400; D0 off shift
        110s D0 pings 9,0 ! the driver is not on shift
        111s D0 ends shift ! the driver is not on shift
        120s D0 starts at 9,0 > D0 on shift
        ",
    );
}

#[test]
fn a_shift_ends_with_an_open_offer() {
    story(
        &settings(),
        "
        0s D0 starts at 3,0 > D0 on shift
        0s D1 starts at 20,0 > D1 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        12s D0 ends shift > withdrawn R1 from D0; D0 off shift
        12.001s . > offered R1 to D1 until 27.001s
        13s D0 accepts R1 ! the ride is not offered to this driver
        14s D1 accepts R1 > D1 takes R1, there at 184s
        ",
    );
}

#[test]
fn no_pickup_is_promised_beyond_the_end_of_a_shift() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 until 60s > D0 on shift
        0s D1 starts at 20,0 > D1 on shift
        10s R1 requests 6,0 -> 9,0 > R1 direct 30s, fare 400; offered R1 to D1 until 25s
        11s R2 requests 1,0 -> 9,0 > R2 direct 80s, fare 400; offered R2 to D0 until 26s
        ",
    );
}

#[test]
fn a_driver_falls_silent_on_the_way_to_the_pickup() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        0s D1 starts at 20,20 > D1 on shift
        10s R1 requests 15,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 162s
        27s D0 pings 1,0 > D0 on route
        27s D1 pings 20,20 > D1 stands
        87.001s . > D0 warned until 147s
        130s D1 pings 20,20 > D1 stands
        147.001s . > D0 dark; R1 back in line: D0 Silent
        147.002s . > offered R1 to D1 until 162.002s
        162.003s . > expired R1 at D1
        200s D0 pings 8,0 > D0 moved
        201s D0 arrives for R1 ! the ride is searching and has no driver
        ",
    );
}

#[test]
fn silence_never_ends_a_trip() {
    story(
        &settings(),
        "
        0s D0 starts at 3,0 > D0 on shift
        10s R1 requests 3,0 -> 20,20 > R1 direct 369s, fare 910; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 12s
        13s D0 arrives for R1 > D0 waits for R1 until 313s
        43s D0 boards R1 > R1 on board of D0
        60.001s . > D0 warned until 120s
        120.001s . > D0 dark
        400s D0 ends R1 at 20,20 > R1 completed; R1 pays 910
        405s D0 pings 20,20 > D0 stands
        ",
    );
}

#[test]
fn a_trip_ends_away_from_the_destination() {
    story(
        &settings(),
        "
        0s D0 starts at 3,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 12s
        13s D0 ends R1 at 9,0 ! the rider is not on board
        14s D0 arrives for R1 > D0 waits for R1 until 314s
        43s D0 boards R1 > R1 on board of D0
        60.001s . > D0 warned until 120s
        63s D0 ends R1 at 5,0 > R1 ended_early; R1 pays 400
        70s R2 requests 5,0 -> 9,0 > R2 direct 40s, fare 400; offered R2 to D0 until 85s
        ",
    );
}

#[test]
fn pings_are_judged_one_by_one() {
    story(
        &settings(),
        "
        0s D0 starts at 3,0 > D0 on shift
        15s D0 pings 3,0 > D0 stands
        30s D0 pings 4,0 > D0 moved
        31s D0 pings 4,0 seq 2 ! a ping with this number or a later one was taken before
        32s D0 pings 4,0 seq 1 ! a ping with this number or a later one was taken before
        33s D0 pings 20,20 ! farther from the last place than any vehicle drives in that time
        60s D0 pings 4,0 age 90000 > D0 stands, clock clamped
        61s D0 pings 4,0 age -5000 > D0 stands, clock clamped
        62s D0 pings sea ! farther from the last place than any vehicle drives in that time
        63s D7 pings 3,0 ! no such driver
        64s D0 ends shift > D0 off shift
        65s D0 pings 4,0 ! the driver is not on shift
        ",
    );
}

#[test]
fn a_vehicle_follows_and_leaves_its_way() {
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        10s R1 requests 10,0 -> 9,9 > R1 direct 100s, fare 428; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 112s
        32s D0 pings 2,0 > D0 on route
        52s D0 pings 4,0 > D0 on route
        62s D0 pings 4,1 > D0 off route
        72s D0 pings 5,1 > D0 on route
        122s D0 arrives for R1 > D0 waits for R1 until 422s
        ",
    );
}

#[test]
fn a_chained_ride() {
    story(
        &chaining(),
        "
        0s D0 starts at 3,0 > D0 on shift
        10s R1 requests 3,0 -> 13,0 > R1 direct 100s, fare 428; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 12s
        13s D0 arrives for R1 > D0 waits for R1 until 313s
        43s D0 boards R1 > R1 on board of D0
        44s R2 requests 14,0 -> 20,0 > R2 direct 60s, fare 400
        60s D0 pings 4,0 > D0 on route
        100s D0 pings 8,0 > D0 on route
        110.001s . > D0 chainable
        110.002s . > offered R2 to D0 until 125.002s, chained
        111s D0 accepts R2 > D0 takes R2, there at 180s
        112s R3 requests 14,0 -> 20,0 > R3 direct 60s, fare 400
        160.001s . > D0 warned until 220s
        163s D0 ends R1 at 13,0 > R1 completed; R1 pays 428
        164s D0 arrives for R2 > D0 waits for R2 until 464s
        173s D0 arrives for R2 ! the driver has already arrived at the pickup
        203s D0 boards R2 > R2 on board of D0
        220.001s . > D0 dark
        223.001s . > D0 chainable
        263s D0 ends R2 at 20,0 > R2 completed; R2 pays 400
        ",
    );
}

#[test]
fn one_pending_ride_at_most() {
    let mut settings = chaining();
    settings.policy.chain_horizon = Millis::from_secs(240);
    story(
        &settings,
        "
        0s D0 starts at 3,0 > D0 on shift
        10s R1 requests 4,0 -> 6,0 > R1 direct 20s, fare 400; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 22s
        12.001s . > D0 chainable
        13s R2 requests 6,0 -> 20,0 > R2 direct 140s, fare 500; offered R2 to D0 until 28s, chained
        14s D0 accepts R2 > D0 takes R2, there at 84s
        15s R3 requests 6,0 -> 20,0 > R3 direct 140s, fare 500
        22s D0 arrives for R1 > D0 waits for R1 until 322s
        30s D0 pings 4,0 > D0 on route
        52s D0 boards R1 > R1 on board of D0
        72s D0 ends R1 at 6,0 > R1 completed; R1 pays 400
        73s D0 arrives for R2 > D0 waits for R2 until 373s
        ",
    );
}

#[test]
fn a_chained_ride_slips() {
    story(
        &chaining(),
        "
        0s D0 starts at 3,0 > D0 on shift
        10s R1 requests 3,0 -> 13,0 > R1 direct 100s, fare 428; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 12s
        13s D0 arrives for R1 > D0 waits for R1 until 313s
        43s D0 boards R1 > R1 on board of D0
        44s R2 requests 14,0 -> 20,0 > R2 direct 60s, fare 400
        60.001s . > D0 warned until 120s
        100s D0 pings 8,0 > D0 on route
        110.001s . > D0 chainable
        110.002s . > offered R2 to D0 until 125.002s, chained
        111s D0 accepts R2 > D0 takes R2, there at 180s
        150s D0 pings 9,0 > D0 on route
        200s D0 pings 9,0 > D0 on route
        250s D0 pings 9,0 > D0 on route
        300s D0 pings 9,0 > D0 on route
        350s D0 pings 9,0 > D0 on route
        350.001s . > R2 back in line: D0 Slipped
        400s D0 ends R1 at 13,0 > R1 completed; R1 pays 428
        ",
    );
}

#[test]
fn the_rider_of_a_chained_ride_cancels() {
    story(
        &chaining(),
        "
        0s D0 starts at 3,0 > D0 on shift
        10s R1 requests 3,0 -> 13,0 > R1 direct 100s, fare 428; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 12s
        13s D0 arrives for R1 > D0 waits for R1 until 313s
        43s D0 boards R1 > R1 on board of D0
        44s R2 requests 14,0 -> 20,0 > R2 direct 60s, fare 400
        60.001s . > D0 warned until 120s
        100s D0 pings 8,0 > D0 on route
        110.001s . > D0 chainable
        110.002s . > offered R2 to D0 until 125.002s, chained
        111s D0 accepts R2 > D0 takes R2, there at 180s
        112s R2 cancels > R2 cancelled_after_match; R2 pays 300
        113s R3 requests 14,0 -> 20,0 > R3 direct 60s, fare 400; offered R3 to D0 until 128s, chained
        114s D0 accepts R3 > D0 takes R3, there at 180s
        115s D0 drops R3 > R3 back in line: D0 DriverCancelled
        160.001s . > D0 warned until 220s
        163s D0 ends R1 at 13,0 > R1 completed; R1 pays 428
        ",
    );
}

#[test]
fn a_batch_serves_more_than_nearest_first() {
    // D1 is nearest to both; giving it to R1 would leave R2 with D0, far away.
    story(
        &batch(),
        "
        0s D0 starts at 0,0 > D0 on shift
        0s D1 starts at 6,0 > D1 on shift
        10s R1 requests 4,0 -> 9,9 > R1 direct 140s, fare 500
        11s R2 requests 9,0 -> 9,9 > R2 direct 90s, fare 411
        15.001s . > offered R1 to D0 until 30.001s; offered R2 to D1 until 30.001s
        16s D0 accepts R1 > D0 takes R1, there at 56s
        16s D1 accepts R2 > D1 takes R2, there at 46s
        ",
    );
    story(
        &settings(),
        "
        0s D0 starts at 0,0 > D0 on shift
        0s D1 starts at 6,0 > D1 on shift
        10s R1 requests 4,0 -> 9,9 > R1 direct 140s, fare 500; offered R1 to D1 until 25s
        11s R2 requests 9,0 -> 9,9 > R2 direct 90s, fare 411; offered R2 to D0 until 26s
        ",
    );
}

#[test]
fn a_batch_leaves_rides_open_and_comes_back() {
    story(
        &batch(),
        "
        0s R1 requests 4,0 -> 9,9 > R1 direct 140s, fare 500
        20s D0 starts at 0,0 > D0 on shift
        20s R2 requests 4,0 -> 9,9 > R2 direct 140s, fare 500
        20.004s . > offered R1 to D0 until 35.004s
        26s D0 declines R1 > declined R1 by D0
        30.006s . > offered R2 to D0 until 45.006s
        40s D0 accepts R2 > D0 takes R2, there at 80s
        ",
    );
}

#[test]
fn first_come_first_served() {
    story(
        &settings(),
        "
        0s R1 requests 4,0 -> 9,9 > R1 direct 140s, fare 500
        1s R2 requests 0,0 -> 9,9 > R2 direct 180s, fare 571
        2s R3 requests 0,1 -> 9,9 > R3 direct 170s, fare 553
        20s D0 starts at 0,0 > D0 on shift
        20.001s . > offered R1 to D0 until 35.001s
        21s D0 accepts R1 > D0 takes R1, there at 61s
        30s D0 drops R1 > R1 back in line: D0 DriverCancelled
        30.001s . > offered R2 to D0 until 45.001s
        31s R2 waits
        ",
    );
}

#[test]
fn what_cannot_be_served_is_refused_and_numbered() {
    story(
        &settings(),
        "
        0s D0 starts at sea ! no street is near the place
        0s D0 starts at 0,0 seats 0 ! a vehicle needs at least one seat
        0s D0 starts at 0,0 seats 2 > D0 on shift
        1s R1 requests sea -> 9,0 > R1 refused: no street is near the pickup
        2s R2 requests 3,0 -> sea > R2 refused: no street is near the dropoff
        3s R3 requests 3,0 -> 9,0 seats 0 > R3 refused: a ride needs at least one seat
        4s R4 requests 3,0 -> 9,0 seats 3 > R4 direct 60s, fare 400
        5s R5 requests 3,0 -> 9,0 seats 2 > R5 direct 60s, fare 400; offered R5 to D0 until 20s
        6s R1 cancels ! no such ride, or it ended long ago
        7s D0 accepts R9 ! no such ride, or it ended long ago
        8s D5 accepts R5 ! no such driver
        9s D0 starts at 0,0 ! the driver is already on shift
        ",
    );
}
