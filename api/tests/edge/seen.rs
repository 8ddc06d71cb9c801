//! What is seen of one ride by those whom it concerns, and by those whom it does not: field by field, and event by event.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use hansom_api::auth::Role;
use serde_json::{Value, json};

use crate::graphql::client::Socket;
use crate::reading::{given, patient, trip};
use crate::served::{Served, order, request_ride, start_shift};
use crate::tokens::bearer;

/// The first ride, however it can be asked for, and how much is going on.
const ALL: &str = "query($min: Offset) {
    ride(id: 1, minOffset: $min) { __typename ... on Ride { ...Seen } }
    rides(minOffset: $min) { __typename ... on RideConnection { nodes { ...Seen } } }
    market(minOffset: $min) { __typename ... on Market { counts { onShift offered } } }
    markets { ... on Market { counts { onShift offered } } } }
    fragment Seen on Ride { driver offer { driver epoch } payment { fareMinor driverMinor platformMinor }
        story { what driver amountMinor } }";
/// The rides of a driver.
const HELD: &str = "query($driver: ID!, $min: Offset) { driver(id: $driver, minOffset: $min) { __typename
    ... on Driver { rides { driver offer { driver epoch } payment { fareMinor driverMinor platformMinor }
        story { what driver amountMinor } } } } }";
/// What an event says that is not for everybody.
const EVENT: &str =
    "__typename ... on OfferMade { driver } ... on OfferDeclined { driver } ... on OfferAccepted { driver }
    ... on Settled { entries { account amountMinor } }";

/// Asks in the name of somebody, once what is asked knows of this turn.
fn asked(town: &Served, who: &str, query: &str, variables: &Value) -> Value {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let headers = [("content-type", "application/json"), ("authorization", who)];
    let mut replies = std::iter::repeat_with(|| town.request("POST", "/graphql", &headers, &body));
    let reply = replies.find(|reply| !reply.text.contains("\"Stale\"")).expect("they go on for ever");
    let answer = reply.json().remove(0);
    assert!(reply.status == 200 && answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

/// A story, or what was heard, step by step; with the driver of whom it tells.
fn steps(of: &Value, kind: &str) -> Vec<String> {
    let named = |step: &Value| match (step[kind].as_str().expect("a word"), step["driver"].as_str()) {
        (what, Some(driver)) => format!("{what} {driver}"),
        (what, None) => what.to_owned(),
    };
    of.as_array().expect("steps").iter().map(named).collect()
}

/// A ride of rob's: bob was asked, and will not; ann is asked, and rex has nothing to do with it.
struct Asked {
    town: Served,
    rob: String,
    rex: String,
    ann: String,
    bob: String,
    olga: String,
    offset: u64,
}

impl Asked {
    fn of(data: &Path) -> Self {
        let town = patient(data);
        let decline = order(4, "decline_offer", &json!({ "driver": "bob", "ride": 1, "epoch": 1 }));
        let asked_for = request_ride(3, "rob", (3, 3), (3, 4));
        let offset = given(&town, &[start_shift(1, "bob", 3, 3), start_shift(2, "ann", 3, 3), asked_for, decline]);
        let [rob, rex] = ["rob", "rex"].map(|name| bearer(name, &[Role::Rider], &[]));
        let [ann, bob] = ["ann", "bob"].map(|name| bearer(name, &[Role::Driver], &[]));
        let it = Self { town, rob, rex, ann, bob, olga: bearer("olga", &[Role::Operator], &[]), offset };
        // Ann is asked by a turn after the one that bob declines in.
        let end = Instant::now() + Duration::from_secs(10);
        let offered = "{ ride(id: 1) { ... on Ride { offer { driver } } } }";
        while asked(&it.town, &it.olga, offered, &json!({}))["ride"]["offer"]["driver"] != "ann" {
            assert!(Instant::now() < end, "nobody asks ann");
            sleep(Duration::from_millis(5));
        }
        it
    }

    /// Ann drives it to its end, and both go home.
    fn driven(&mut self) {
        let mut lines = vec![order(5, "accept_offer", &json!({ "driver": "ann", "ride": 1, "epoch": 2 }))];
        lines.extend(trip(6, "ann", 1, (3, 4)));
        let home = ["ann", "bob"].iter().zip(9..);
        lines.extend(home.map(|(driver, key)| order(key, "end_shift", &json!({ "driver": driver }))));
        self.offset = given(&self.town, &lines);
    }

    /// The ride as somebody sees it; how often it is in the list of that one's rides, where it looks the same; how much that one is
    /// told of what goes on.
    fn looks(&self, who: &str) -> (Value, usize, Value) {
        let seen = asked(&self.town, who, ALL, &json!({ "min": self.offset }));
        let mut ride = seen["ride"].clone();
        if let Some(fields) = ride.as_object_mut() {
            fields.remove("__typename");
        }
        let listed = seen["rides"]["nodes"].as_array().expect("a page");
        assert!(listed.iter().all(|listed| *listed == ride), "{seen}");
        let counts = seen["market"]["counts"].clone();
        assert_eq!(seen["markets"], json!([{ "counts": counts }]));
        (ride, listed.len(), counts)
    }

    /// Listens in the name of somebody, from the first event on.
    fn listening(&self, who: &str, to: &str) -> Socket {
        let mut socket = self.town.strange_socket();
        socket.say(&json!({ "type": "connection_init", "payload": { "authorization": who } }));
        assert_eq!(socket.hear()["type"], "connection_ack");
        socket.subscribe("s", &format!("subscription {{ {to} {{ {EVENT} }} }}"), &json!({}));
        socket
    }
}

/// Hears these events and none between them; what was said of money.
fn heard(mut socket: Socket, wanted: &[&str]) -> Value {
    let mut next = || {
        // A ping is no message.
        let message = (0..3).find_map(|_| socket.hear_within(Duration::from_secs(5))).expect("an event");
        let data = message["payload"]["data"].as_object().unwrap_or_else(|| panic!("{message}"));
        data.values().next().expect("one field").clone()
    };
    let events: Vec<Value> = wanted.iter().map(|_| next()).collect();
    assert_eq!(steps(&json!(events), "__typename"), wanted);
    let mut settled = events.iter().filter(|event| event["__typename"] == "Settled");
    settled.next().map_or(Value::Null, |settled| settled["entries"].clone())
}

/// To whom else a ride was offered is no rider's business and no other driver's, nor how much is going on.
#[test]
fn who_is_asked_for_a_ride_is_seen_by_that_driver_and_by_operators() {
    let data = tempfile::tempdir().expect("a folder");
    let street = Asked::of(data.path());
    let offer = json!({ "driver": "ann", "epoch": 2 });
    let counts = json!({ "onShift": 2, "offered": 1 });
    let all = ["REQUESTED", "OFFERED bob", "DECLINED bob", "OFFERED ann"];
    let nothing = Value::Null;
    // The list of a driver's rides has those that the driver took.
    for (who, offered, story, times, told) in [
        (&street.rob, &nothing, &all[..1], 1, &nothing),
        (&street.ann, &offer, &["REQUESTED", "OFFERED ann"], 0, &nothing),
        (&street.olga, &offer, &all, 1, &counts),
    ] {
        let (ride, listed, counts) = street.looks(who);
        assert_eq!((&ride["offer"], listed, &counts), (offered, times, told), "{ride}");
        assert_eq!(steps(&ride["story"], "what"), story);
        assert_eq!((&ride["driver"], &ride["payment"]), (&nothing, &nothing));
        if offered.is_object() {
            let held = asked(&street.town, who, HELD, &json!({ "driver": "ann", "min": street.offset }));
            assert_eq!(held["driver"]["rides"], json!([ride]), "nor is more told with its driver");
        }
    }
    for other in [&street.rex, &street.bob] {
        assert_eq!(street.looks(other), (nothing.clone(), 0, nothing.clone()));
    }
}

/// The rider knows the fare, the driver what comes of it, and nobody but who runs the market what is left.
#[test]
fn who_gets_what_of_a_fare_is_seen_by_each_for_themself() {
    let data = tempfile::tempdir().expect("a folder");
    let mut street = Asked::of(data.path());
    street.driven();
    let paid = street.looks(&street.olga).0["payment"].clone();
    let part = |of: &str| paid[of].as_i64().filter(|part| *part > 0).expect("it is told");
    assert_eq!(part("fareMinor"), part("driverMinor") + part("platformMinor"));
    let all = ["REQUESTED", "OFFERED bob", "DECLINED bob", "OFFERED ann"];
    let driven = ["ACCEPTED ann", "ARRIVED ann", "BOARDED ann", "ENDED ann", "SETTLED"];
    let nothing = Value::Null;
    for (who, began, drivers, platforms) in [
        (&street.rob, &all[..1], &nothing, &nothing),
        (&street.ann, &["REQUESTED", "OFFERED ann"], &paid["driverMinor"], &nothing),
        (&street.olga, &all, &paid["driverMinor"], &paid["platformMinor"]),
    ] {
        let (ride, listed, _) = street.looks(who);
        let shares = json!({ "fareMinor": paid["fareMinor"], "driverMinor": drivers, "platformMinor": platforms });
        assert_eq!((&ride["payment"], &ride["offer"], listed), (&shares, &nothing, 1));
        assert_eq!(ride["driver"], "ann");
        assert_eq!(steps(&ride["story"], "what"), [began, &driven].concat());
        let settled = ride["story"].as_array().and_then(|story| story.last()).expect("a last step");
        assert_eq!(settled["amountMinor"], paid["fareMinor"], "{ride}");
    }
    for other in [&street.rex, &street.bob] {
        assert_eq!(street.looks(other), (nothing.clone(), 0, nothing.clone()));
    }
}

#[test]
fn each_hears_of_a_ride_what_is_for_them_and_nothing_else() {
    let data = tempfile::tempdir().expect("a folder");
    let mut street = Asked::of(data.path());
    let Asked { rob, rex, ann, bob, olga, .. } = &street;
    let [of_rob, mut of_rex, anns, bobs, of_olga, events] = [
        (rob, "ride(ride: 1, from: 0)"),
        (rex, "ride(ride: 1, from: 0)"),
        (ann, "offers(driver: \"ann\", from: 0)"),
        (bob, "offers(driver: \"bob\", from: 0)"),
        (olga, "ride(ride: 1, from: 0)"),
        (olga, "events(from: 0)"),
    ]
    .map(|(who, to)| street.listening(who, to));
    assert_eq!(of_rex.hear()["payload"][0]["extensions"]["code"], "NOT_ALLOWED");
    street.driven();
    let fare = street.looks(&street.rob).0["payment"]["fareMinor"].as_i64().expect("it is told");

    let offers = ["OfferMade bob", "OfferDeclined bob", "OfferMade ann"];
    let driven = ["OfferAccepted ann", "DriverArrived", "RiderBoarded", "RideEnded"];
    let (shift, requested, settled, over) = ("ShiftStarted", "RideRequested", "Settled", "ShiftEnded");
    let entries = heard(of_rob, &[&[requested], &driven[..], &[settled]].concat());
    assert_eq!(entries, json!([{ "account": "RIDER", "amountMinor": -fare }]));
    assert_eq!(heard(anns, &[&[shift, offers[2]], &driven[..], &[over]].concat()), Value::Null);
    assert_eq!(heard(bobs, &[shift, offers[0], offers[1], over]), Value::Null);
    let entries = heard(of_olga, &[&[requested], &offers[..], &driven, &[settled]].concat());
    assert_eq!(entries.as_array().map(Vec::len), Some(3), "{entries}");
    let all = [&[shift, shift, requested], &offers[..], &driven, &[settled, over, over]].concat();
    assert_eq!(heard(events, &all), entries);
}
