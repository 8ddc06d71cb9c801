//! Tokens: which let somebody in, and which do not, whatever they try.

use std::io::BufRead;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hansom_api::auth::{Expected, Gate, Grant, Keys, Limits, Rate, Role, Secret, mint};
use ring::hmac;
use serde_json::{Value, json};

use crate::served::Served;

/// What the tests and the servers in them share.
pub const SECRET: &[u8] = b"a secret of the tests, 32 bytes or more";

pub fn secret() -> Secret {
    Secret::of(SECRET).expect("it is long enough")
}

/// Lets those in whose tokens are signed with the secret.
pub fn gate() -> Gate {
    let keys = Keys::open(Some(&secret()), None, Expected::default()).expect("a secret");
    Gate::of(keys, Limits::new(Rate::PEOPLE, Rate::SERVICES))
}

/// A header with a token of somebody in these roles.
pub fn bearer(name: &str, roles: &[Role], markets: &[&str]) -> String {
    let grant = Grant {
        name: name.to_owned(),
        roles: roles.to_vec(),
        markets: markets.iter().map(|name| (*name).to_owned()).collect(),
        life: Duration::from_secs(600),
        expected: Expected::default(),
    };
    format!("Bearer {}", mint(&secret(), &grant))
}

/// Base 64 as tokens have it (RFC 4648, 5).
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let group = |group: &[u8]| {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        (0..=group.len())
            .map(move |place| char::from(LETTERS[(bits >> (18 - 6 * place) & 63) as usize]))
            .collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

pub fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// What a good token says.
pub fn claims() -> Value {
    json!({ "sub": "ops", "roles": ["operator"], "aud": "hansom", "exp": now_s() + 600 })
}

/// A token with this head and this body, signed by `sign`.
pub fn token(head: &Value, body: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", base64(head.to_string().as_bytes()), base64(body.to_string().as_bytes()));
    let signature = base64(&sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// Signs with a secret.
pub fn hs(algorithm: hmac::Algorithm, secret: &[u8]) -> impl FnOnce(&[u8]) -> Vec<u8> {
    move |message| hmac::sign(&hmac::Key::new(algorithm, secret), message).as_ref().to_vec()
}

fn hs256(body: &Value) -> String {
    token(&json!({ "alg": "HS256", "typ": "JWT" }), body, hs(hmac::HMAC_SHA256, SECRET))
}

/// How a server answers somebody with this token: the status, and why.
pub fn answer(served: &Served, token: &str) -> (u16, String) {
    let reply = served.request("GET", "/metrics", &[("authorization", &format!("Bearer {token}"))], "");
    let reason = serde_json::from_str::<Value>(&reply.text).ok();
    let reason = reason.and_then(|said| Some(said["error"]["reason"].as_str()?.to_owned())).unwrap_or_default();
    (reply.status, reason)
}

/// A good token with some claims changed; `null` takes one away.
fn changed(changes: &Value) -> Value {
    let mut body = claims();
    for (name, value) in changes.as_object().expect("an object") {
        body[name] = value.clone();
        if value.is_null() {
            body.as_object_mut().expect("an object").remove(name);
        }
    }
    body
}

#[test]
fn a_token_that_is_not_as_it_should_be_lets_nobody_in() {
    let data = tempfile::tempdir().expect("a folder");
    let keys = Keys::open(Some(&secret()), None, Expected { issuer: Some("us".to_owned()), ..Expected::default() });
    let gate = Gate::of(keys.expect("a secret"), Limits::new(Rate::PEOPLE, Rate::SERVICES));
    let town = Served::behind(gate, data.path());
    let now = now_s();
    let good = changed(&json!({ "iss": "us" }));
    let of = |changes: Value| {
        let mut body = changed(&changes);
        if changes.get("iss").is_none() {
            body["iss"] = json!("us");
        }
        hs256(&body)
    };
    let accepted = [
        hs256(&good),
        // Clocks differ by some seconds.
        of(json!({ "exp": now - 20 })),
        of(json!({ "nbf": now + 20 })),
        of(json!({ "exp": (now + 60) as f64 + 0.5 })),
        of(json!({ "aud": ["others", "hansom"] })),
        of(json!({ "roles": ["operator", "a role of another program"] })),
    ];
    for token in accepted {
        assert_eq!(answer(&town, &token).0, 200, "{token}");
    }
    let form = "the token is not a JWT with `sub`, `exp` and `aud`";
    let signature = "the token's signature is wrong";
    let algorithm = "the token is signed by an algorithm that is not taken here";
    let name = "the token's `sub` is not a name of 1 to 64 bytes without white space";
    let (audience, issuer) = ("the token is for another audience", "the token is from another issuer");
    let (head, nothing) = (json!({ "alg": "HS256" }), |_: &[u8]| Vec::new());
    let mut flipped = hs256(&good).into_bytes();
    flipped[40] ^= 1;
    let mut other_body = hs256(&good).split('.').map(str::to_owned).collect::<Vec<_>>();
    other_body[1] = base64(changed(&json!({ "iss": "us", "sub": "root" })).to_string().as_bytes());
    let refused = [
        ("x".to_owned(), form),
        ("..".to_owned(), form),
        (token(&json!({ "alg": "none" }), &good, nothing), form),
        (token(&json!({ "alg": "None" }), &good, nothing), form),
        (token(&json!({}), &good, nothing), form),
        (token(&head, &good, nothing), signature),
        (token(&head, &good, hs(hmac::HMAC_SHA256, b"another secret of 32 bytes or more!!")), signature),
        (token(&json!({ "alg": "HS512" }), &good, hs(hmac::HMAC_SHA512, SECRET)), algorithm),
        (token(&json!({ "alg": "HS384" }), &good, hs(hmac::HMAC_SHA384, SECRET)), algorithm),
        (token(&json!({ "alg": "RS256" }), &good, hs(hmac::HMAC_SHA256, SECRET)), algorithm),
        (token(&json!({ "alg": "ES256" }), &good, hs(hmac::HMAC_SHA256, SECRET)), algorithm),
        (token(&json!({ "alg": "HS256", "crit": ["exp"], "exp": 1 }), &good, hs(hmac::HMAC_SHA256, SECRET)), form),
        (other_body.join("."), signature),
        (of(json!({ "exp": now - 60 })), "the token has expired"),
        (of(json!({ "exp": null })), form),
        (of(json!({ "exp": "tomorrow" })), form),
        (of(json!({ "nbf": now + 60 })), "the token is not valid yet"),
        (of(json!({ "aud": "others" })), audience),
        (of(json!({ "aud": null })), form),
        (of(json!({ "aud": 7 })), form),
        (of(json!({ "iss": "them" })), issuer),
        (hs256(&claims()), form),
        (of(json!({ "sub": null })), form),
        (of(json!({ "sub": "" })), name),
        (of(json!({ "sub": "two words" })), name),
        (of(json!({ "sub": "x".repeat(65) })), name),
        (of(json!({ "roles": "operator" })), form),
        (of(json!({ "markets": "town" })), form),
    ];
    for (token, why) in refused {
        assert_eq!(answer(&town, &token), (401, why.to_owned()), "{token}");
    }
    let (status, _) = answer(&town, &String::from_utf8(flipped).expect("text"));
    assert_eq!(status, 401);
}

#[test]
fn who_shows_no_token_is_told_what_is_wanted() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::behind(gate(), data.path());
    for headers in [vec![], vec![("authorization", "Basic b3BzOm9wcw==")], vec![("authorization", "Bearer")]] {
        let reply = town.request("GET", "/metrics", &headers, "");
        assert_eq!((reply.status, reply.header("www-authenticate")), (401, "Bearer realm=\"hansom\""), "{reply:?}");
        assert_eq!(reply.json()[0]["error"]["code"], "unauthenticated");
    }
    let reply = town.request("GET", "/metrics", &[("authorization", "Bearer x.y.z")], "");
    assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"hansom\", error=\"invalid_token\"");
    let lower = bearer("ops", &[Role::Operator], &[]).replacen("Bearer", "bearer", 1);
    assert_eq!(town.request("GET", "/metrics", &[("authorization", &lower)], "").status, 200);
}

#[test]
fn a_secret_that_can_be_guessed_is_none() {
    for short in ["", "password", "31 bytes are one byte too few!!", "31 bytes are one byte too few!!\n\n\n"] {
        assert!(Secret::of(short.as_bytes()).is_err(), "{short}");
    }
    assert!(Secret::of(b"32 bytes are just enough for it!\n").is_ok());
}

#[test]
fn a_stream_ends_with_the_token_that_opened_it() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::behind(gate(), data.path());
    // Within what clocks may differ by: a second is left of it.
    let nearly_over = hs256(&changed(&json!({ "exp": now_s() - 29 })));
    let reader = town.stream("/v1/events?from=0", &format!("Bearer {nearly_over}"));
    let last =
        reader.lines().map_while(Result::ok).filter(|line| line.starts_with("data: ")).last().expect("it says why");
    let last: Value = serde_json::from_str(&last["data: ".len()..]).expect("JSON");
    assert_eq!((&last["code"], &last["reason"]), (&json!("unauthenticated"), &json!("the token has expired")));
}

#[test]
fn a_socket_ends_with_the_token_that_introduced_it() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::behind(gate(), data.path());
    // A second is left of it, as above.
    let nearly_over = hs256(&changed(&json!({ "exp": now_s() - 29 })));
    let mut socket = town.strange_socket();
    let payload = json!({ "authorization": format!("Bearer {nearly_over}") });
    socket.say(&json!({ "type": "connection_init", "payload": payload }));
    assert_eq!(socket.hear()["type"], "connection_ack");
    socket.subscribe("e", "subscription { events(from: 0) { id } }", &json!({}));
    assert_eq!(u16::from(socket.closed()), 4403);
}
