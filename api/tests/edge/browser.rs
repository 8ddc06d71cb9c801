//! Pages of other sites in a browser: where the gate stands open they are kept out, and elsewhere they are told no more than is said.

use hansom_api::auth::{Gate, Role};
use hansom_api::{Edge, Origins};

use crate::served::{Served, edge, spec, start_shift};
use crate::tokens::{bearer, gate};

#[test]
fn a_page_of_another_site_cannot_use_a_gate_that_stands_open() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let (own, port) = (format!("http://{}", town.address), town.address.port());
    let shift = start_shift(1, "ann", 3, 3);
    let status = |headers: &[(&str, &str)]| town.request("POST", "/v1/commands", headers, &shift).status;
    assert_eq!(status(&[("origin", "https://elsewhere.example")]), 403);
    assert_eq!(status(&[("origin", "null")]), 403);
    assert_eq!(status(&[("origin", &format!("http://localhost:{}", port ^ 1))]), 403, "another program's page");
    // A name of the page's own that leads here.
    assert_eq!(status(&[("host", &format!("elsewhere.example:{port}"))]), 403);
    let rebound = format!("http://elsewhere.example:{port}");
    assert_eq!(status(&[("host", &format!("elsewhere.example:{port}")), ("origin", &rebound)]), 403);
    let reply = town.request("GET", "/v1/events?from=0", &[("origin", "https://elsewhere.example")], "");
    assert_eq!((reply.status, reply.json()[0]["error"]["code"].as_str()), (403, Some("origin")));
    assert_eq!(status(&[("origin", &own)]), 200, "its own page may");
    assert_eq!(status(&[("host", &format!("localhost:{port}"))]), 200);
    assert_eq!(status(&[]), 200);
}

#[test]
fn browsers_are_told_nothing_of_other_origins_unless_it_is_said() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::behind(gate(), data.path());
    let token = bearer("ops", &[Role::Operator], &[]);
    let asks = [("origin", "https://app.example"), ("access-control-request-method", "POST")];
    let reply = town.request("OPTIONS", "/v1/commands", &asks, "");
    assert!(reply.status >= 400 && reply.header("access-control-allow-origin").is_empty(), "{reply:?}");
    let reply = town.request("GET", "/metrics", &[("origin", "https://app.example"), ("authorization", &token)], "");
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, ""));
}

#[test]
fn an_origin_that_is_named_may_use_the_routes_and_no_other() {
    let data = tempfile::tempdir().expect("a folder");
    for gate in [gate(), Gate::open()] {
        let origins = Origins(vec!["https://app.example".to_owned()]);
        let data = data.path().join(if gate.is_open() { "open" } else { "closed" });
        let town = Served::at(Edge { origins, ..edge(gate) }, vec![spec("town", &data, 64)]);
        let token = bearer("ops", &[Role::Operator], &[]);
        let asks = |origin| {
            let wanted = ("access-control-request-headers", "authorization,content-type");
            town.request(
                "OPTIONS",
                "/v1/commands",
                &[("origin", origin), ("access-control-request-method", "POST"), wanted],
                "",
            )
        };
        let reply = asks("https://app.example");
        assert_eq!(
            (reply.status, reply.header("access-control-allow-origin")),
            (200, "https://app.example"),
            "{reply:?}"
        );
        assert!(reply.header("access-control-allow-headers").to_lowercase().contains("authorization"), "{reply:?}");
        assert!(asks("https://elsewhere.example").header("access-control-allow-origin").is_empty());
        let get = |origin| town.request("GET", "/metrics", &[("origin", origin), ("authorization", &token)], "");
        let reply = get("https://app.example");
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, "https://app.example"));
        assert!(get("https://elsewhere.example").header("access-control-allow-origin").is_empty());
        // A browser may read why it was not let in.
        let reply = town.request("GET", "/v1/nothing", &[("origin", "https://app.example")], "");
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (404, "https://app.example"));
    }
}
