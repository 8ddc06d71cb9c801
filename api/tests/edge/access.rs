//! Who may do what: each operation as each role and as a stranger, held against the table in `docs/access.md`.

use std::cell::Cell;
use std::io::BufRead;

use hansom_api::auth::Role;
use serde_json::{Value, json};

use crate::graphql::client::operation;
use crate::served::{Reply, Served, corner, order, spec, start_shift, uuid};
use crate::tokens::{bearer, gate};

/// The page that says it to people.
pub const PAGE: &str = include_str!("../../../docs/access.md");

/// Who tries: what the table calls them, and the header they send.
fn callers() -> Vec<(&'static str, Option<String>)> {
    vec![
        ("rider", Some(bearer("rob", &[Role::Rider], &[]))),
        ("driver", Some(bearer("ann", &[Role::Driver], &[]))),
        ("operator", Some(bearer("olga", &[Role::Operator], &[]))),
        ("service", Some(bearer("gateway", &[Role::Service], &[]))),
        ("no role", Some(bearer("nora", &[], &[]))),
        ("elsewhere", Some(bearer("olga", &[Role::Operator, Role::Service, Role::Rider, Role::Driver], &["village"]))),
        ("stranger", None),
    ]
}

/// A town in which rides can be cancelled by whoever may.
pub struct Town {
    pub served: Served,
    keys: Cell<u64>,
}

impl Town {
    /// A town of which nobody has a key yet.
    pub fn of(served: Served) -> Self {
        Self { served, keys: Cell::new(0) }
    }

    fn key(&self) -> u64 {
        self.keys.set(self.keys.get() + 1);
        self.keys.get()
    }

    fn ask(&self, who: Option<&str>, method: &str, path: &str, body: &str) -> Reply {
        let headers: Vec<(&str, &str)> = who.map(|token| ("authorization", token)).into_iter().collect();
        self.served.request(method, path, &headers, body)
    }

    /// What became of one line.
    fn line(&self, who: Option<&str>, path: &str, line: &str) -> &'static str {
        let reply = self.ask(who, "POST", path, line);
        match reply.status {
            200 => {
                let answers = reply.json();
                assert_eq!(answers.len(), 1, "{reply:?}");
                verdict(&answers[0])
            }
            401 => "401",
            403 => "403",
            _ => panic!("{reply:?}"),
        }
    }

    fn order(&self, who: Option<&str>, kind: &str, data: &Value) -> &'static str {
        self.line(who, "/v1/commands", &order(self.key(), kind, data))
    }

    /// What became of a mutation.
    fn mutation(&self, who: Option<&str>, query: &str, variables: &Value) -> &'static str {
        let reply = self.graphql(who, query, variables);
        if reply.status == 401 {
            return "401";
        }
        let data = &reply.json()[0]["data"];
        let said = data.as_object().and_then(|data| data.values().next()).unwrap_or_else(|| panic!("{reply:?}"));
        let failed = &said["failures"][0]["failure"];
        match failed["__typename"].as_str().or(said["__typename"].as_str()) {
            Some("NotAllowed") => "no",
            Some("Taken" | "RideTaken" | "SessionTaken" | "PositionsReceived" | "RefusedByRule") => "yes",
            _ => panic!("{reply:?}"),
        }
    }

    /// Asks or orders by GraphQL.
    pub fn graphql(&self, who: Option<&str>, query: &str, variables: &Value) -> Reply {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(who.map(|token| ("authorization", token)));
        let body = json!({ "query": query, "variables": variables }).to_string();
        self.served.request("POST", "/graphql", &headers, &body)
    }

    /// Whether somebody may listen: what a socket says to a subscription, in the order of its events from the first on.
    fn listens(&self, who: Option<&str>, query: &str, variables: &Value) -> &'static str {
        let mut socket = self.served.strange_socket();
        socket.say(&match who {
            Some(token) => json!({ "type": "connection_init", "payload": { "authorization": token } }),
            None => json!({ "type": "connection_init" }),
        });
        if who.is_none() {
            return if u16::from(socket.closed()) == 4403 { "401" } else { panic!("it is not closed as it should be") };
        }
        assert_eq!(socket.hear(), json!({ "type": "connection_ack" }));
        socket.subscribe("s", query, variables);
        let said = socket.hear();
        match said["type"].as_str() {
            Some("next") => "yes",
            Some("error") if said["payload"][0]["extensions"]["code"] == "NOT_ALLOWED" => "no",
            _ => panic!("{said}"),
        }
    }

    fn get(&self, who: Option<&str>, path: &str) -> &'static str {
        let reply = self.ask(who, "GET", path, "");
        match reply.status {
            200 => "yes",
            401 => "401",
            403 => "403",
            _ => panic!("{reply:?}"),
        }
    }

    /// The number of the ride that was asked for by this request.
    fn number_of(&self, request: &str) -> String {
        let service = bearer("gateway", &[Role::Service], &[]);
        let events = self.served.stream("/v1/events?from=0", &service).lines().map_while(Result::ok);
        let asked = events.filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
        let mut asked = asked.filter(|event| event["type"] == "hansom.event.ride_requested.v1");
        let asked = asked.find(|event| event["data"]["request"] == request).expect("it is told");
        asked["data"]["ride"].to_string()
    }

    /// The id of the request for a ride of this rider.
    fn ride_of(&self, rider: &str) -> String {
        let key = self.key();
        let service = bearer("gateway", &[Role::Service], &[]);
        let line = order(key, "request_ride", &request(rider, 0));
        assert_eq!(self.line(Some(&service), "/v1/commands", &line), "yes");
        uuid(key)
    }
}

/// Taken, or refused by a rule of the market, which is the market's business and not the gate's; or forbidden.
fn verdict(answer: &Value) -> &'static str {
    let error = &answer["error"];
    match error["code"].as_str() {
        None if answer["offset"].is_u64() => "yes",
        Some("forbidden") if error["retryable"] == false && error.get("offset").is_none() => "no",
        Some(_) if error["offset"].is_u64() => "yes",
        _ => panic!("{answer}"),
    }
}

fn request(rider: &str, tier: u8) -> Value {
    json!({ "rider": rider, "pickup": corner(3, 3), "dropoff": corner(5, 5), "tier": tier })
}

/// What is tried by somebody with this token, and what becomes of it.
pub type Act = Box<dyn Fn(&Town, Option<&str>) -> &'static str>;

/// One line of a table.
pub type Operation = (String, Act);

fn operations() -> Vec<Operation> {
    let mut all: Vec<Operation> = Vec::new();
    let mut add = |what: &str, act: Act| all.push((what.to_owned(), act));
    for (rider, whose) in [("rob", "own name"), ("rex", "another name")] {
        add(
            &format!("`request_ride`, {whose}"),
            Box::new(move |town, who| town.order(who, "request_ride", &request(rider, 0))),
        );
    }
    add("`request_ride` with a `tier`", Box::new(|town, who| town.order(who, "request_ride", &request("rob", 1))));
    for (rider, whose) in [("rob", "own ride"), ("rex", "another's ride")] {
        let cancel = move |town: &Town, who: Option<&str>| {
            let ride = town.ride_of(rider);
            town.order(who, "cancel_ride", &json!({ "ride": ride }))
        };
        add(&format!("`cancel_ride`, {whose}"), Box::new(cancel));
    }
    let orders = [
        ("start_shift", json!({ "place": corner(3, 3) })),
        ("open_session", json!({})),
        ("accept_offer", json!({ "ride": 1, "epoch": 1 })),
        ("decline_offer", json!({ "ride": 1, "epoch": 1 })),
        ("arrive_at_pickup", json!({ "ride": 1 })),
        ("board_rider", json!({ "ride": 1 })),
        ("end_trip", json!({ "ride": 1, "place": corner(3, 3) })),
        ("cancel_by_driver", json!({ "ride": 1 })),
        ("end_shift", json!({})),
    ];
    for (kind, data) in orders {
        for (driver, whose) in [("ann", "own name"), ("bob", "another name")] {
            let mut data = data.clone();
            data["driver"] = json!(driver);
            add(&format!("`{kind}`, {whose}"), Box::new(move |town, who| town.order(who, kind, &data)));
        }
    }
    by_graphql(&mut add);
    let rated = json!({ "driver": "ann", "place": corner(3, 3), "rating": 480 });
    add("`start_shift` with a `rating`", Box::new(move |town, who| town.order(who, "start_shift", &rated)));
    for (driver, whose) in [("ann", "own name"), ("bob", "another name")] {
        let position = move |town: &Town, who: Option<&str>| {
            let data = json!({ "driver": driver, "seq": town.key(), "place": corner(5, 5) });
            let line = json!({
                "specversion": "1.0", "id": "x", "source": "/test", "type": "hansom.location.v1", "data": data,
            });
            town.line(who, "/v1/locations", &line.to_string())
        };
        add(&format!("position, {whose}"), Box::new(position));
    }
    add("`GET /v1/events`", Box::new(|town, who| town.get(who, "/v1/events?market=town&from=0")));
    add("`GET /metrics`", Box::new(|town, who| town.get(who, "/metrics")));
    add("`GET /readyz`", Box::new(|town, who| town.get(who, "/readyz")));
    let standing = |town: &Town, who: Option<&str>| {
        let said = town.ask(who, "GET", "/readyz", "");
        if said.text.contains("serving") { "yes" } else { "no" }
    };
    add("… with what each market is doing", Box::new(standing));
    add("`GET /healthz`", Box::new(|town, who| town.get(who, "/healthz")));
    all
}

/// The same orders by GraphQL, and what can be listened to.
fn by_graphql(add: &mut dyn FnMut(&str, Act)) {
    for (rider, whose) in [("rob", "own name"), ("rex", "another name")] {
        let ask = move |town: &Town, who: Option<&str>| {
            let input = json!({ "rider": rider, "pickup": corner(3, 3), "dropoff": corner(5, 5) });
            town.mutation(who, operation!("request-ride"), &json!({ "key": uuid(town.key()), "input": input }))
        };
        add(&format!("`requestRide`, {whose}"), Box::new(ask));
        let cancel = move |town: &Town, who: Option<&str>| {
            let input = json!({ "ride": town.ride_of(rider) });
            town.mutation(who, operation!("cancel-ride"), &json!({ "key": uuid(town.key()), "input": input }))
        };
        add(&format!("`cancelRide`, {}", if rider == "rob" { "own ride" } else { "another's ride" }), Box::new(cancel));
    }
    let mutations = [
        ("startShift", operation!("start-shift"), json!({ "place": corner(3, 3) })),
        ("openSession", operation!("open-session"), json!({})),
        ("acceptOffer", operation!("accept-offer"), json!({ "ride": "1", "epoch": 1 })),
        ("declineOffer", operation!("decline-offer"), json!({ "ride": "1", "epoch": 1 })),
        ("arriveAtPickup", operation!("arrive-at-pickup"), json!({ "ride": "1" })),
        ("boardRider", operation!("board-rider"), json!({ "ride": "1" })),
        ("endTrip", operation!("end-trip"), json!({ "ride": "1", "place": corner(3, 3) })),
        ("cancelByDriver", operation!("cancel-by-driver"), json!({ "ride": "1" })),
        ("endShift", operation!("end-shift"), json!({})),
    ];
    for (name, query, input) in mutations {
        for (driver, whose) in [("ann", "own name"), ("bob", "another name")] {
            let mut input = input.clone();
            input["driver"] = json!(driver);
            let give = move |town: &Town, who: Option<&str>| {
                town.mutation(who, query, &json!({ "key": uuid(town.key()), "input": input }))
            };
            add(&format!("`{name}`, {whose}"), Box::new(give));
        }
    }
    for (driver, whose) in [("ann", "own name"), ("bob", "another name")] {
        let report = move |town: &Town, who: Option<&str>| {
            let position = json!({ "driver": driver, "seq": town.key(), "place": corner(5, 5) });
            let variables = json!({ "key": uuid(town.key()), "positions": [position] });
            town.mutation(who, operation!("report-positions"), &variables)
        };
        add(&format!("`reportPositions`, {whose}"), Box::new(report));
    }
    add(
        "subscription `events`",
        Box::new(|town, who| town.listens(who, operation!("events"), &json!({ "from": "0" }))),
    );
    for (rider, whose) in [("rob", "own ride"), ("rex", "another's ride")] {
        let follow = move |town: &Town, who: Option<&str>| {
            let ride = town.number_of(&town.ride_of(rider));
            town.listens(who, operation!("follow-ride"), &json!({ "ride": ride, "from": "0" }))
        };
        add(&format!("subscription `ride`, {whose}"), Box::new(follow));
    }
    for (driver, whose) in [("ann", "own name"), ("bob", "another name")] {
        let listen = move |town: &Town, who: Option<&str>| {
            let service = bearer("gateway", &[Role::Service], &[]);
            town.order(Some(&service), "end_shift", &json!({ "driver": driver }));
            town.order(Some(&service), "start_shift", &json!({ "driver": driver, "place": corner(9, 9) }));
            town.listens(who, operation!("offers"), &json!({ "driver": driver, "from": "0" }))
        };
        add(&format!("subscription `offers`, {whose}"), Box::new(listen));
    }
}

/// What becomes of these, as each of those who try: a table, in the form that the page has it in.
pub fn table(town: &Town, operations: Vec<Operation>) -> String {
    let callers = callers();
    let row = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let mut table = row([""].into_iter().chain(callers.iter().map(|(who, _)| *who)).collect());
    table += &row(vec!["---"; callers.len() + 1]);
    for (what, act) in operations {
        let cells = callers.iter().map(|(_, token)| act(town, token.as_deref()));
        table += &row([&*what].into_iter().chain(cells).collect());
    }
    table
}

#[test]
fn each_operation_is_for_those_for_whom_the_page_says_it_is() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Town::of(Served::behind(gate(), data.path()));
    let table = table(&town, operations());
    assert!(PAGE.contains(&table), "docs/access.md has another table than this:\n{table}");
}

#[test]
fn a_name_is_not_a_role() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Town::of(Served::behind(gate(), data.path()));
    // Somebody may ride and drive under one name, but only as what the token says.
    let (rides, drives) = (bearer("ann", &[Role::Rider], &[]), bearer("ann", &[Role::Driver], &[]));
    let both = bearer("ann", &[Role::Rider, Role::Driver], &[]);
    let shift = json!({ "driver": "ann", "place": corner(3, 3) });
    for (who, may_drive, may_ride) in [(rides, "no", "yes"), (drives, "yes", "no"), (both, "yes", "yes")] {
        assert_eq!(town.order(Some(&who), "start_shift", &shift), may_drive);
        assert_eq!(town.order(Some(&who), "request_ride", &request("ann", 0)), may_ride);
    }
}

#[test]
fn a_line_that_is_forbidden_does_not_stop_the_others() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Town { served: Served::behind(gate(), data.path()), keys: Cell::new(100) };
    let foreign = town.ride_of("rex");
    let rob = bearer("rob", &[Role::Rider], &[]);
    let lines = [
        order(1, "request_ride", &request("rob", 0)),
        order(2, "cancel_ride", &json!({ "ride": foreign })),
        start_shift(3, "rob", 3, 3),
        // The ride is not durable yet when this is looked at, and it is rob's.
        order(4, "cancel_ride", &json!({ "ride": uuid(1) })),
        "no JSON".to_owned(),
        order(5, "request_ride", &request("rob", 0)),
    ];
    let reply = town.ask(Some(&rob), "POST", "/v1/commands", &lines.join("\n"));
    let answers = reply.json();
    let codes: Vec<Option<&str>> = answers.iter().map(|answer| answer["error"]["code"].as_str()).collect();
    assert_eq!(codes, [None, Some("forbidden"), Some("forbidden"), None, Some("E0902"), None], "{answers:?}");
    assert_eq!(answers[1]["key"], uuid(2));
    // What was forbidden left no trace: the key can still be used by who may.
    let rex = bearer("rex", &[Role::Rider], &[]);
    assert_eq!(town.line(Some(&rex), "/v1/commands", &order(2, "cancel_ride", &json!({ "ride": foreign }))), "yes");
}

#[test]
fn a_token_for_some_markets_is_for_no_other() {
    let data = tempfile::tempdir().expect("a folder");
    let served =
        Served::at(crate::served::edge(gate()), vec![spec("east", data.path(), 64), spec("west", data.path(), 64)]);
    let east = bearer("gateway", &[Role::Service], &["east"]);
    let ask = |method: &str, path: &str, body: &str| served.request(method, path, &[("authorization", &east)], body);
    let named = |key: u64, market: &str| {
        let mut line: Value = serde_json::from_str(&start_shift(key, "ann", 3, 3)).expect("JSON");
        line["market"] = json!(market);
        line.to_string()
    };
    let reply = ask("POST", "/v1/commands", &[named(1, "east"), named(2, "west"), named(3, "east")].join("\n"));
    let verdicts: Vec<&str> = reply.json().iter().map(verdict).collect();
    assert_eq!(verdicts, ["yes", "no", "yes"], "{reply:?}");
    assert_eq!(ask("POST", "/v1/commands?market=west", &named(4, "west")).status, 403);
    assert_eq!(ask("POST", "/v1/locations?market=west", "").status, 403);
    assert_eq!(ask("GET", "/v1/events?market=west", "").status, 403);
    assert_eq!(ask("GET", "/v1/events?market=east", "").status, 200);
    assert_eq!(ask("GET", "/metrics", "").status, 403, "the figures are of all markets");
    let ready = ask("GET", "/readyz", "").text;
    assert!(ready.contains("east") && !ready.contains("west"), "{ready}");
    // Lines that cannot be read go where their sender has to do with.
    ask("POST", "/v1/commands", "no JSON");
    let kept = |market: &str| {
        let kept = hansom_market::quarantine::list(&data.path().join(market).join("quarantine"));
        kept.map_or(0, |kept| kept.entries.len())
    };
    assert_eq!((kept("east"), kept("west")), (1, 0));
}
