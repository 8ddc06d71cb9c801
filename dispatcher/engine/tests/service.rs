//! Stories of the market itself: it was away and is back.

mod market;
mod story;

use hansom_engine::domain::Settings;
use hansom_geo_index::Millis;
use market::settings;
use story::story;

fn bounded(seconds: i64) -> Settings {
    Settings { resume_bound: Millis::from_secs(seconds), ..settings() }
}

#[test]
fn a_short_outage_puts_an_offer_off() {
    story(
        &bounded(300),
        "
        0s D0 starts at 0,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        110s market returns since 10s > away for 100s
        125s D0 accepts R1 > D0 takes R1, there at 155s
        ",
    );
    story(
        &bounded(300),
        "
        0s D0 starts at 0,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        110s market returns since 10s > away for 100s
        125.001s . > expired R1 at D0
        130s R1 waits
        ",
    );
}

#[test]
fn after_a_long_outage_offers_have_expired() {
    story(
        &bounded(60),
        "
        0s D0 starts at 0,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        110s market returns since 10s > away for 100s; expired R1 at D0
        111s D0 accepts R1 ! the offer was already expired
        ",
    );
}

#[test]
fn an_outage_takes_no_promised_ride_away() {
    story(
        &bounded(60),
        "
        0s D0 starts at 0,0 > D0 on shift
        10s R1 requests 15,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 162s
        50s D0 pings 4,0 > D0 on route
        660s market returns since 60s > away for 600s
        665s D0 pings 15,0 > D0 off route
        670s D0 arrives for R1 > D0 waits for R1 until 970s
        725.001s . > D0 warned until 785s
        730s D0 boards R1 > R1 on board of D0
        ",
    );
}

#[test]
fn a_rider_at_the_pickup_is_waited_for_after_an_outage() {
    story(
        &bounded(60),
        "
        0s D0 starts at 3,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        12s D0 accepts R1 > D0 takes R1, there at 12s
        13s D0 arrives for R1 > D0 waits for R1 until 313s
        50s D0 pings 3,0 > D0 on route
        1000s market returns since 50s > away for 950s
        1060.001s . > D0 warned until 1120s
        1120.001s . > D0 dark; R1 back in line: D0 Silent
        1200s R1 waits
        ",
    );
}

#[test]
fn a_chained_ride_does_not_slip_by_an_outage() {
    let mut settings = bounded(60);
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
        22s D0 arrives for R1 > D0 waits for R1 until 322s
        52s D0 boards R1 > R1 on board of D0
        1052s market returns since 52s > away for 1000s
        1060s D0 ends R1 at 6,0 > R1 completed; R1 pays 400
        1060.001s . > D0 warned until 1120s
        1062s D0 arrives for R2 > D0 waits for R2 until 1362s
        ",
    );
}

#[test]
fn riders_in_line_get_more_patience() {
    let settings = Settings { max_offers: 1, give_up: Millis::from_secs(900), ..bounded(200) };
    story(
        &settings,
        "
        0s D0 starts at 0,0 > D0 on shift
        10s R1 requests 0,0 -> 9,0 > R1 direct 90s, fare 410; offered R1 to D0 until 25s
        12s D0 declines R1 > declined R1 by D0; R1 exhausted
        512s market returns since 12s > away for 500s
        1412.002s . > R1 no_driver
        1500s R1 waits
        ",
    );
}

#[test]
fn a_retry_after_an_outage_gets_the_first_answer() {
    story(
        &bounded(60),
        "
        0s D0 starts at 3,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 key 7 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        12s R1 cancels key 8 > R1 cancelled_before_match; withdrawn R1 from D0
        2000s market returns since 12s > away for 1988s
        2001s R1 cancels key 8 = as at 2
        2002s R1 requests 3,0 -> 9,0 key 7 = as at 1
        ",
    );
}

#[test]
fn a_question_to_the_planner_is_asked_again_after_an_outage() {
    let mut settings = bounded(60);
    settings.policy.planner = hansom_engine::domain::Planner::Batch;
    story(
        &settings,
        "
        0s D0 starts at 3,0 > D0 on shift
        0s planner is mute
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400
        16s R1 waits
        20s market returns since 16s > away for 4s
        20s planner is back
        20.001s . > offered R1 to D0 until 35.001s
        21s D0 accepts R1 > D0 takes R1, there at 21s
        ",
    );
}

#[test]
fn a_checkpoint_is_compared_by_the_fold() {
    story(
        &settings(),
        "
        0s D0 starts at 3,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        11s market notes slice 1 > slice 1 noted
        12s market notes slice 1088 ! there is no such slice of the state
        ",
    );
}

#[test]
fn a_request_whose_key_is_too_old_is_never_executed() {
    let settings = Settings { creation_key_life: Millis::from_secs(600), ..settings() };
    story(
        &settings,
        "
        0s D0 starts at 3,0 > D0 on shift
        10s R1 requests 3,0 -> 9,0 key made-10s > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        11s R1 cancels > R1 cancelled_before_match; withdrawn R1 from D0
        609s R1 requests 3,0 -> 9,0 key made-10s = as at 1
        610.001s R1 requests 3,0 -> 9,0 key made-10s ! the key is too old; whether it was used before is not remembered
        611.001s . > R1 forgotten
        700s R2 requests 3,0 -> 9,0 key made-160s ! the key is too old; whether it was used before is not remembered
        701s R2 requests 3,0 -> 9,0 key made-162s > R2 direct 60s, fare 400
        702s R3 requests 3,0 -> 9,0 key made-763s ! the key is of a time to come; the sender's clock is wrong
        703s R2 cancels key made-10s > R2 cancelled_before_match
        ",
    );
}

#[test]
fn the_newer_of_two_devices_speaks_for_a_driver() {
    story(
        &settings(),
        "
        0s D0 takes over ! no such driver
        0s D0 starts at 0,0 > D0 on shift
        5s D0 pings 0,0 > D0 stands
        10s R1 requests 3,0 -> 9,0 > R1 direct 60s, fare 400; offered R1 to D0 until 25s
        11s D0 accepts R1 session 2 ! session 2 was never opened; the open one is 1
        12s D0 takes over key 7 > D0 in session 2
        13s D0 takes over key 7 = as at 5
        13s D0 accepts R1 ! a newer session is open: this is session 1, the open one is 2
        13s D0 declines R1 ! a newer session is open: this is session 1, the open one is 2
        14s D0 pings 0,0 seq 9 ! a newer session is open
        14s D0 pings 0,0 seq 1 session 2 > D0 stands
        14s D0 pings 0,0 seq 2 session 3 ! the session was never opened
        15s D0 accepts R1 session 2 > D0 takes R1, there at 45s
        45s D0 arrives for R1 ! a newer session is open: this is session 1, the open one is 2
        45s D0 drops R1 ! a newer session is open: this is session 1, the open one is 2
        46s D0 arrives for R1 session 2 > D0 waits for R1 until 346s
        50s D0 boards R1 ! a newer session is open: this is session 1, the open one is 2
        50s D0 boards R1 session 2 > R1 on board of D0
        60s D0 pings 3,0 seq 2 session 2 > D0 on route
        70s D0 ends R1 at 9,0 ! a newer session is open: this is session 1, the open one is 2
        70s D0 ends R1 at 9,0 session 2 > R1 completed; R1 pays 400
        80s D0 ends shift ! a newer session is open: this is session 1, the open one is 2
        81s D0 ends shift session 2 > D0 off shift
        82s D0 takes over ! the driver is not on shift
        90s D0 starts at 9,0 > D0 on shift
        91s D0 pings 9,0 seq 1 > D0 stands
        92s D0 pings 9,0 seq 1 session 2 ! the session was never opened
        ",
    );
}

#[test]
fn who_is_gone_for_long_is_forgotten_and_comes_back_as_another() {
    let settings = Settings { driver_life: Millis::from_secs(600), ..settings() };
    story(
        &settings,
        "
        0s D0 starts at 0,0 > D0 on shift
        10s D1 starts at 3,0 > D1 on shift
        20s D2 starts at 9,0 > D2 on shift
        100s D0 ends shift > D0 off shift
        300s D1 pings 3,0 > D1 stands
        580s D2 pings 9,0 > D2 stands
        590s R1 requests 9,0 -> 9,9 > R1 direct 90s, fare 411; offered R1 to D2 until 605s
        600s D2 accepts R1 > D2 takes R1, there at 600s
        601s D2 arrives for R1 > D2 waits for R1 until 901s
        602s D2 boards R1 > R1 on board of D2
        610.001s . > D1 kept
        620.001s . > D2 kept
        630s D2 ends R1 at 9,9 > R1 completed; R1 pays 411
        700.001s . > D0 forgotten
        701s D0 pings 0,0 ! no such driver
        702s D0 ends shift ! no such driver
        900.001s . > D1 off shift
        901s D1 pings 3,0 ! the driver is not on shift
        1000s D0 starts at 0,0 > D1048576 on shift
        1001s D1048576 pings 0,0 > D1048576 stands
        1002s D0 pings 0,0 ! no such driver
        1220.002s . > D2 off shift
        1230.001s . > R1 forgotten
        1500.002s . > D1 forgotten
        1501s D3 starts at 3,0 > D1048577 on shift
        1502s D4 starts at 3,0 > D3 on shift
        1600.001s . > D1048576 kept
        1601.001s . > D1048576 off shift
        1603s D4 waits
        ",
    );
}

#[test]
fn who_comes_back_in_time_is_who_he_was() {
    let settings = Settings { driver_life: Millis::from_secs(600), ..settings() };
    story(
        &settings,
        "
        0s D0 starts at 0,0 > D0 on shift
        100s D0 ends shift > D0 off shift
        690s D0 starts at 0,0 > D0 on shift
        700s rules fault in forget
        800s D0 ends shift > D0 off shift
        1400.001s . > ~ Forget 0 put off
        1500s rules fault in nothing
        2000.002s . > D0 forgotten
        2001s D0 waits
        ",
    );
}

#[test]
fn drivers_are_remembered_for_ever_until_the_market_is_told_otherwise() {
    let settings = Settings { driver_life: Millis::ZERO, ..settings() };
    story(
        &settings,
        "
        0s D0 starts at 0,0 > D0 on shift
        100s D0 ends shift > D0 off shift
        10000000s D0 starts at 0,0 > D0 on shift
        ",
    );
}
