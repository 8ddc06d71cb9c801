//! `GET /healthz`, `/readyz`, `/metrics`: for machines that look after this one.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::{Value, json};

use crate::markets::Markets;
use crate::read::{ReadModels, Standing};

/// The process answers.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

/// Whether every market takes commands, what each is doing, and how far its read models are. Those do not count: a market that
/// takes commands is ready.
pub async fn readyz(markets: Data<Markets>, models: Data<ReadModels>) -> HttpResponse {
    let markets = markets.0.markets();
    let ready = !markets.is_empty() && markets.iter().all(|market| market.standing().is_serving());
    let standings: Vec<(String, Value)> =
        markets.iter().map(|market| (market.name().to_owned(), market.standing().to_string().into())).collect();
    let read: Vec<(String, Value)> = markets
        .iter()
        .filter_map(|market| Some((market.name().to_owned(), told(&models.of(market.name())?.standing()))))
        .collect();
    let body = json!({
        "ready": ready,
        "markets": standings.into_iter().collect::<serde_json::Map<_, _>>(),
        "read_models": read.into_iter().collect::<serde_json::Map<_, _>>(),
    });
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.content_type("application/json").body(format!("{body}\n"))
}

/// How read models stand: how many released turns they have not taken in.
fn told(standing: &Standing) -> Value {
    let behind = |next: u64| standing.released.saturating_sub(next);
    json!({
        "view_behind": standing.view.map(behind),
        "history_behind": behind(standing.history),
        "history": standing.not_current.as_deref().unwrap_or("current"),
    })
}

/// The figures of all markets.
pub async fn metrics(markets: Data<Markets>) -> HttpResponse {
    match markets.0.figures().text() {
        Ok(text) => {
            HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(text)
        }
        Err(cause) => HttpResponse::InternalServerError().content_type("text/plain").body(cause.to_string()),
    }
}
