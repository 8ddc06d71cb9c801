//! Lines from outside, and what is made of them.

use hansom_engine::domain::Settings;
use hansom_engine::record::Header;
use hansom_engine::{Command, DriverId, Epoch, Event, Key, Name, Offset, RideId, State, Turn};
use hansom_geo_index::network::sample;
use hansom_geo_index::{Coord, Millis, NodeId};
use hansom_market::ingest::order::{AcceptOffer, Body, CancelRide, RequestRide, StartShift};
use hansom_market::ingest::{
    Fact, Given, LOCATION_KIND, Location, Names, Order, Published, Rating, RideRef, decode, decode_event,
    decode_location,
};
use hansom_market::log::{Mode, Writer};
use hansom_market::seam::clock::Stepping;
use hansom_market::seam::disk::Nowhere;
use hansom_market::{Market, Streets};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

/// When the key below was made, as its first 48 bits say.
const CREATED: Millis = Millis(0x0189_0a5d_ac96);
const KEY: Key = Key(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057);

fn line(kind: &str, data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"01890a5d-ac96-774b-bcce-b302099a8057","source":"app","type":"hansom.command.{kind}","data":{data}}}"#
    )
}

fn order(body: Body) -> Order {
    Order { key: KEY, source: "app".into(), market: None, time: None, body }
}

fn place(lat: i32, lon: i32) -> Coord {
    Coord { lat, lon }
}

#[test]
fn a_line_is_an_order() {
    let line = r#"{"type":"hansom.command.request_ride.v1","specversion":"1.0","source":"app/7","traceparent":"00-1",
        "id":"01890A5D-AC96-774B-BCCE-B302099A8057","time":"2026-03-05T18:00:00+01:00","market":"town",
        "datacontenttype":"application/json; charset=utf-8",
        "data":{"rider":"r\u0031","pickup":{"lat":40.71280004,"lon":-74},"dropoff":{"lon":-7.4e1,"lat":0},"blocked":["d2","d1"]}}"#;
    let wanted = Order {
        source: "app/7".into(),
        market: Some(Name::from("town")),
        time: Some(Millis(1_772_730_000_000)),
        ..order(Body::RequestRide(RequestRide {
            rider: Name::from("r1"),
            pickup: place(407_128_000, -740_000_000),
            dropoff: place(0, -740_000_000),
            seats: 1,
            class: 0,
            tier: 0,
            blocked: vec![Name::from("d2"), Name::from("d1")],
        }))
    };
    assert_eq!(decode(line.as_bytes()), Ok(wanted));
}

#[test]
fn what_is_left_out_has_a_default() {
    let line = line("start_shift.v1", r#"{"driver":"d1","place":{"lat":1,"lon":2},"home":null}"#);
    let wanted = StartShift {
        driver: Name::from("d1"),
        place: place(10_000_000, 20_000_000),
        seats: 4,
        class: 0,
        autonomous: false,
        until: None,
        home: None,
        rating: Rating(500),
    };
    assert_eq!(decode(line.as_bytes()), Ok(order(Body::StartShift(wanted))));
}

#[test]
fn a_malformed_line_says_what_is_wrong_and_where() {
    let request = |data: &str| line("request_ride.v1", data);
    let cancel = |data: &str| line("cancel_ride.v1", data);
    let end = |data: &str| line("end_trip.v1", data);
    let cases = [
        ("", "E0902", "the line is not JSON: EOF while parsing a value at line 1 column 0"),
        ("[]", "E0905", "the line must be an object, but is a list"),
        ("{}", "E0903", "`id` is missing"),
        (r#"{"id":"a","id":"b"}"#, "E0902", "the line is not JSON: `id` stands twice at line 1 column 14"),
        (r#"{"id":"a"}"#, "E0903", "`specversion` is missing"),
        (r#"{"id":"a","specversion":"0.3"}"#, "E0906", "`specversion` must be 1.0, but is 0.3"),
        (
            &line("cancel_ride.v2", "{}"),
            "E0907",
            "`type` `hansom.command.cancel_ride.v2` is no type of record that is taken here; those are hansom.command.start_shift.v1, hansom.command.open_session.v1, hansom.command.end_shift.v1, hansom.command.request_ride.v1, hansom.command.cancel_ride.v1, hansom.command.accept_offer.v1, hansom.command.decline_offer.v1, hansom.command.arrive_at_pickup.v1, hansom.command.board_rider.v1, hansom.command.end_trip.v1, hansom.command.cancel_by_driver.v1",
        ),
        (&cancel("{}"), "E0903", "`data.ride` is missing"),
        (
            &cancel(r#"{"ride":1.5}"#),
            "E0905",
            "`data.ride` must be the number of a ride, or the UUID of its request, but is a number",
        ),
        (&cancel(r#"{"ride":-1}"#), "E0906", "`data.ride` must be a whole number from 0 to 4294967295, but is -1"),
        (&cancel(r#"{"ride":1,"rid":2}"#), "E0904", "`data.rid` is not known here; the fields are ride"),
        (
            &end(r#"{"driver":"d","ride":1,"place":{"lat":90.1,"lon":0}}"#),
            "E0906",
            "`data.place.lat` must be degrees from -90 to 90, but is 90.1",
        ),
        (
            &end(r#"{"driver":"d","ride":1,"place":{"lat":"1","lon":0}}"#),
            "E0905",
            "`data.place.lat` must be degrees from -90 to 90, but is text",
        ),
        (&end(r#"{"driver":"d","ride":1,"place":{"lat":1}}"#), "E0903", "`data.place.lon` is missing"),
        (
            &end(r#"{"driver":"d d","ride":1,"place":{"lat":1,"lon":0}}"#),
            "E0906",
            "`data.driver` must be an opaque name: 1 to 64 bytes without white space or control characters, but is d d",
        ),
        (
            &request(r#"{"rider":"r","pickup":{"lat":1,"lon":1},"dropoff":{"lat":1,"lon":1},"blocked":["a",7]}"#),
            "E0905",
            "`data.blocked[1]` must be an opaque name: 1 to 64 bytes without white space or control characters, but is a whole number",
        ),
        (
            &request(r#"{"rider":"r","pickup":{"lat":1,"lon":1},"dropoff":{"lat":1,"lon":1},"seats":256}"#),
            "E0906",
            "`data.seats` must be a whole number from 0 to 255, but is 256",
        ),
    ];
    for (line, code, text) in cases {
        let malformed = decode(line.as_bytes()).expect_err(line);
        assert_eq!((malformed.code(), malformed.to_string().as_str()), (code, text));
    }
    let named = decode(cancel("{}").as_bytes()).expect_err("a ride is missing");
    assert_eq!(named.id.as_deref(), Some("01890a5d-ac96-774b-bcce-b302099a8057"));
    let long = " ".repeat(40_000);
    assert_eq!(decode(long.as_bytes()).expect_err("too long").code(), "E0901");
    assert_eq!(decode(b"\xff").expect_err("not text").to_string(), "the line is not JSON: not UTF-8 at byte 0");
}

#[test]
fn an_order_that_creates_needs_a_key_that_tells_its_time() {
    let with_v4 = |kind: &str, data: &str| line(kind, data).replace("774b", "474b");
    let malformed = decode(with_v4("end_shift.v1", r#"{"driver":"d"}"#).as_bytes()).expect_err("version 4");
    assert_eq!((malformed.code(), malformed.field.as_str()), ("E0906", "id"));
    decode(with_v4("cancel_ride.v1", r#"{"ride":1}"#).as_bytes()).expect("its key lives as long as the ride");
}

#[test]
fn a_position_is_a_line() {
    let line = r#"{"specversion":"1.0","id":"7/441","source":"device-7","type":"hansom.location.v1","time":"1970-01-01T00:00:01.5Z",
        "data":{"driver":"d1","seq":441,"place":{"lat":-0.0000001,"lon":180}}}"#;
    let location = decode_location(line.as_bytes()).expect("a position");
    assert_eq!((&*location.id, location.measured), ("7/441", Some(Millis(1500))));
    assert_eq!((location.position.seq, location.position.place), (441, place(-1, 1_800_000_000)));
    let mut out = Vec::new();
    location.write("device-7", &mut out);
    assert_eq!(decode_location(&out), Ok(location));
    assert_eq!(decode(line.as_bytes()).expect_err("no order").code(), "E0907");
}

/// What `docs/schemas` says is what the code does.
#[test]
fn schemas_are_those_of_the_code() {
    for (name, text) in hansom_market::ingest::schema::files() {
        let path = format!("{}/../../docs/schemas/{name}", env!("CARGO_MANIFEST_DIR"));
        let published = std::fs::read_to_string(path).expect("it is published");
        assert!(published == text, "{name} is out of date: run `cargo xtask gen`");
    }
}

fn town() -> (State, Names) {
    let network = Arc::new(sample::grid(5, 5, 100_000, 10_000));
    let state = State::new(Settings::default(), &network, Millis(0));
    let names = Names::of(&state, network);
    (state, names)
}

#[test]
fn a_name_that_nobody_has_is_a_number_that_nobody_has() {
    let (state, names) = town();
    let accept = AcceptOffer { driver: Name::from("d9"), ride: RideRef::Request(KEY), epoch: Epoch(1), session: 1 };
    let (key, command) = names.resolve(order(Body::AcceptOffer(accept)));
    assert_eq!(key, KEY);
    let Command::AcceptOffer { driver, ride, .. } = command else { panic!("{command:?}") };
    assert!(state.fleet().get(driver).is_none() && state.rides().get(ride).is_none());
    assert_ne!(ride, state.rides().next_id());
    let cancel = order(Body::CancelRide(CancelRide { ride: RideRef::Number(RideId(7)) }));
    assert_eq!(names.resolve(cancel).1, Command::CancelRide { ride: RideId(7) });
    let turn = Turn { offset: Offset(0), at: Millis(0), key: None, command: Command::Tick, events: Vec::new() };
    let mut out = Vec::new();
    assert!(!hansom_market::ingest::cloud_event("town", &turn, 0, &names, &mut out));
    let ended = Event::ShiftEnded { driver: DriverId(3) };
    assert!(hansom_market::ingest::cloud_event("town", &Turn { events: vec![ended], ..turn }, 0, &names, &mut out));
    decode_event(&out).expect("a fact");
}

/// A market that went through a ride knows the same names as one that starts from its state.
#[test]
fn names_are_those_of_the_state() {
    let streets = Streets::new(Arc::new(sample::grid(5, 5, 100_000, 10_000)));
    let network = streets.network.clone();
    let header = Header::new("town", &network, Settings::default(), Millis(0));
    let log =
        Writer::create_on(Arc::new(Nowhere), Path::new("nowhere"), &header, Mode::Inline).expect("nowhere takes all");
    let mut market = Market::new(&header, &streets, log, Box::new(Stepping::new(1)));
    let mut names = Names::of(market.state(), network.clone());
    let corner = |node| network.node_coord(NodeId(node));
    let shift = StartShift {
        driver: Name::from("d1"),
        place: corner(0),
        seats: 4,
        class: 0,
        autonomous: false,
        until: None,
        home: None,
        rating: Rating(500),
    };
    let ask = RequestRide {
        rider: Name::from("r1"),
        pickup: corner(6),
        dropoff: corner(24),
        seats: 1,
        class: 0,
        tier: 0,
        blocked: Vec::new(),
    };
    let cancel = CancelRide { ride: RideRef::Request(Key(KEY.0 + 1)) };
    let bodies = [Body::StartShift(shift), Body::RequestRide(ask), Body::CancelRide(cancel)];
    for (nth, body) in (0..).zip(bodies) {
        let (key, command) = names.resolve(Order { key: Key(KEY.0 + nth), ..order(body) });
        let turn = market.submit(CREATED, Some(key), command).expect("it is taken").clone();
        assert!(!turn.events.iter().any(|event| matches!(event, Event::Refused { .. })), "{turn:?}");
        names.learn(&turn);
        let rebuilt = Names::of(market.state(), network.clone());
        for name in ["d1", "r1"] {
            assert_eq!(rebuilt.driver_id(&Name::from(name)), names.driver_id(&Name::from(name)));
        }
        for key in 0..3 {
            assert_eq!(rebuilt.requested_by(Key(KEY.0 + key)), names.requested_by(Key(KEY.0 + key)));
        }
        for index in 0..turn.events.len() {
            assert_eq!(
                Published::of("town", &turn, index, &rebuilt),
                Published::of("town", &turn, index, &names),
                "events read alike"
            );
        }
    }
    assert_eq!(names.requested_by(Key(KEY.0 + 1)), Some(RideId(1)), "as long as the ride is in the state");
    assert_eq!(names.requested_by(KEY), None, "the shift is no ride");
    let end = CREATED + Millis::from_secs(3 * 3600);
    while let Some(wakeup) = market.next_wakeup(end) {
        names.learn(market.wake(wakeup.at).expect("it wakes"));
    }
    assert_eq!(names.requested_by(Key(KEY.0 + 1)), None, "it left the state with the ride");
    let driver = names.driver_id(&Name::from("d1")).expect("he is remembered");
    let life = header.settings.driver_life;
    // He is silent for that long, and then off shift.
    while let Some(wakeup) = market.next_wakeup(CREATED + life + life + Millis::from_secs(60)) {
        names.learn(market.wake(wakeup.at).expect("it wakes"));
    }
    assert!(market.state().fleet().get(driver).is_none(), "{life:?} have passed twice");
    assert_eq!((names.driver_id(&Name::from("d1")), names.driver(driver)), (None, None));
}

fn any_order() -> impl Strategy<Value = Order> {
    let name = || "[a-zA-Z0-9é\"\\\\-]{1,20}".prop_map(|name| Name(name.into()));
    let coord = || (-900_000_000..=900_000_000, -1_800_000_000..=1_800_000_000).prop_map(|(lat, lon)| place(lat, lon));
    let time = || (0..4_000_000_000_000_i64).prop_map(Millis);
    let ride = prop_oneof![any::<u32>().prop_map(|ride| RideRef::Number(RideId(ride))), Just(RideRef::Request(KEY))];
    let shift =
        (name(), coord(), any::<(u8, u8, bool)>(), prop::option::of(time()), prop::option::of(coord()), 100_u16..=500)
            .prop_map(|(driver, place, (seats, class, autonomous), until, home, rating)| {
                Body::StartShift(StartShift {
                    driver,
                    place,
                    seats,
                    class,
                    autonomous,
                    until,
                    home,
                    rating: Rating(rating),
                })
            });
    let request = (name(), coord(), coord(), any::<(u8, u8, u8)>(), prop::collection::vec(name(), 0..3)).prop_map(
        |(rider, pickup, dropoff, (seats, class, tier), blocked)| {
            Body::RequestRide(RequestRide { rider, pickup, dropoff, seats, class, tier, blocked })
        },
    );
    let accept = (name(), ride, any::<u32>(), any::<u32>()).prop_map(|(driver, ride, epoch, session)| {
        Body::AcceptOffer(AcceptOffer { driver, ride, epoch: Epoch(epoch), session })
    });
    let body = prop_oneof![shift, request, accept];
    (body, prop::option::of(time()), prop::option::of(name())).prop_map(|(body, time, market)| Order {
        time,
        market,
        ..order(body)
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(order in any_order()) {
        let mut out = Vec::new();
        order.write(&mut out);
        prop_assert_eq!(decode(&out), Ok(order));
    }
}

/// One line a type of record, as version 1 wrote it: read for ever, and written alike as long as the type is written.
#[test]
fn fixtures_of_every_version_are_read() {
    fn check(lines: &str, kinds: &[&str], rewrite: impl Fn(&[u8]) -> (String, Vec<u8>)) {
        let mut found = Vec::new();
        for line in lines.lines() {
            let (kind, written) = rewrite(line.as_bytes());
            assert_eq!(String::from_utf8_lossy(&written), line);
            found.push(kind);
        }
        assert_eq!(found, kinds);
    }
    check(include_str!("fixtures/commands.v1.jsonl"), Body::KINDS, |line| {
        let order = decode(line).expect("an order");
        let mut out = Vec::new();
        order.write(&mut out);
        (order.body.kind().to_owned(), out)
    });
    check(include_str!("fixtures/locations.v1.jsonl"), &[LOCATION_KIND], |line| {
        let mut out = Vec::new();
        decode_location(line).expect("a position").write("device-7", &mut out);
        (LOCATION_KIND.to_owned(), out)
    });
    check(include_str!("fixtures/events.v1.jsonl"), Fact::KINDS, |line| {
        let published = decode_event(line).expect("a fact");
        let mut out = Vec::new();
        published.write(&mut out);
        (published.fact.kind().to_owned(), out)
    });
}

/// Names, most of them allowed, some at and beyond the edges of what is.
fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z0-9-]{1,20}",
        2 => "\\PC{0,5}",
        1 => any::<String>(),
        1 => (60_usize..140).prop_map(|length| "x".repeat(length)),
        1 => Just("y".repeat(40_000)),
    ]
}

/// Whole numbers at and beyond the edges of what is allowed.
fn numbers() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 0..1_000_i64, 1 => any::<i64>(), 1 => (-2..3_i64).prop_map(|n| i64::from(u32::MAX) + n), 1 => -3..0_i64]
}

/// Degrees: as devices send them, and any.
fn degrees(limit: i32) -> impl Strategy<Value = f64> {
    let most = limit * 10_000_000;
    prop_oneof![
        6 => (-most..=most).prop_map(|units| f64::from(units) / 1e7),
        1 => (-2..=2_i32).prop_map(move |off| f64::from(limit) + f64::from(off) / 1e7),
        2 => any::<f64>().prop_filter("JSON has no other", |degrees| degrees.is_finite()),
        1 => -1e3..1e3_f64,
    ]
}

/// Instants: of our time, and any that the text of one can name.
fn instants() -> impl Strategy<Value = Option<Millis>> {
    let any =
        prop_oneof![4 => 1_700_000_000_000..1_900_000_000_000_i64, 1 => -62_168_000_000_000..253_403_000_000_000_i64];
    prop_oneof![Just(None), any.prop_map(|ms| Some(Millis(ms)))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    /// Whoever has a position's fields gets what whoever sends them in a line gets.
    #[test]
    fn fields_are_the_position_that_their_line_is(
        id in names(), measured in instants(), driver in names(), session in proptest::option::of(numbers()), seq in numbers(),
        lat in degrees(90), lon in degrees(180),
    ) {
        let given = Given { id: &id, measured, driver: &driver, session, seq, lat, lon };
        let mut data = serde_json::json!({ "driver": driver, "seq": seq, "place": { "lat": lat, "lon": lon } });
        if let Some(session) = session {
            data["session"] = session.into();
        }
        let mut line = serde_json::json!({
            "specversion": "1.0", "id": id, "source": "/graphql", "type": LOCATION_KIND, "data": data,
        });
        if let Some(measured) = measured {
            line["time"] = hansom_engine::record::json::rfc3339(measured).into();
        }
        let read = decode_location(line.to_string().as_bytes());
        match (Location::of(&given), read) {
            (Some(made), Ok(mut read)) => {
                // Text of more digits than a device has is read to the last bit but one.
                let near = |one: i32, other: i32| one.abs_diff(other) <= 1;
                prop_assert!(near(made.position.place.lat, read.position.place.lat));
                prop_assert!(near(made.position.place.lon, read.position.place.lon));
                if [lat, lon].iter().all(|degrees| ((degrees * 1e7).round() / 1e7).to_bits() == degrees.to_bits()) {
                    prop_assert_eq!(made.position.place, read.position.place);
                }
                read.position.place = made.position.place;
                prop_assert_eq!(made, read);
            }
            (None, Err(_)) => {}
            // Then the line is asked, which may be more lenient by a bit of a degree.
            (None, Ok(read)) => {
                let edge = |units: i32, degrees: f64, limit: i32| units.abs() == limit * 10_000_000 && degrees.abs() > f64::from(limit);
                let at = read.position.place;
                prop_assert!(edge(at.lat, lat, 90) || edge(at.lon, lon, 180), "only the line is taken: {:?}", given);
            }
            (Some(made), Err(why)) => {
                return Err(TestCaseError::fail(format!("only the fields are taken: {made:?}, {why}")));
            }
        }
    }
}
