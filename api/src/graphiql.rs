//! `/graphiql`: `GraphiQL` from the binary itself, with the operations of `api/operations` in its tabs. Needs no network.

use std::io::Read;
use std::sync::LazyLock;

use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

/// What the page may load and reach: this server alone.
const POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file that was packed when it was put here: its name, type and bytes.
struct Packed(&'static str, &'static str, &'static [u8]);

macro_rules! packed {
    ($($name:literal: $kind:expr;)*) => {
        [$(Packed($name, $kind, include_bytes!(concat!("../graphiql/", $name, ".gz")))),*]
    };
}

const PACKED: [Packed; 5] = packed! {
    "graphiql.min.js": SCRIPT;
    "graphiql.min.css": "text/css; charset=utf-8";
    "react.production.min.js": SCRIPT;
    "react-dom.production.min.js": SCRIPT;
    "graphql-ws.min.js": SCRIPT;
};

macro_rules! operations {
    ($($name:literal),* $(,)?) => {
        [$((
            include_str!(concat!("../operations/", $name, ".graphql")),
            include_str!(concat!("../operations/", $name, ".json")),
        )),*]
    };
}

/// The tabs: operations with their variables, in the order in which somebody who tries it wants them.
const OPERATIONS: [(&str, &str); 5] = operations!["markets", "events", "start-shift", "request-ride", "follow-ride"];

static TABS: LazyLock<String> = LazyLock::new(|| {
    let tabs: Vec<Value> =
        OPERATIONS.iter().map(|(query, variables)| json!({ "query": query, "variables": variables })).collect();
    format!("const operations = {};\n", Value::from(tabs))
});

/// The page.
pub async fn page() -> HttpResponse {
    text(HTML, include_str!("../graphiql/index.html"))
}

/// What the page loads.
pub async fn file(request: HttpRequest, name: Path<String>) -> HttpResponse {
    match name.as_str() {
        "start.js" => return text(SCRIPT, include_str!("../graphiql/start.js")),
        "operations.js" => return text(SCRIPT, &TABS),
        _ => {}
    }
    let Some(Packed(_, kind, bytes)) = PACKED.iter().find(|packed| packed.0 == *name) else {
        return HttpResponse::NotFound().content_type("text/plain").body("there is no such file\n");
    };
    let mut response = HttpResponse::Ok();
    response.content_type(*kind).insert_header(("cache-control", "no-cache"));
    let takes = request.headers().get(ACCEPT_ENCODING).and_then(|takes| takes.to_str().ok());
    if takes.is_some_and(|takes| takes.contains("gzip")) {
        return response.insert_header((CONTENT_ENCODING, "gzip")).body(*bytes);
    }
    let mut plain = Vec::new();
    match GzDecoder::new(*bytes).read_to_end(&mut plain) {
        Ok(_) => response.body(plain),
        Err(cause) => HttpResponse::InternalServerError().content_type("text/plain").body(cause.to_string()),
    }
}

fn text(kind: &'static str, body: &'static str) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.content_type(kind).insert_header(("cache-control", "no-cache"));
    response.insert_header(("content-security-policy", POLICY)).body(body)
}
