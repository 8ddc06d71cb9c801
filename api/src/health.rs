//! `GET /healthz`, `/readyz`, `/metrics`: for machines that look after this one.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::{Value, json};

use crate::auth::Principal;
use crate::fault::RequestFault;
use crate::markets::Markets;
use crate::read::{ReadModels, Standing};

/// The process answers.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

/// Whether every market takes commands; to operators and services, what each is doing, and how far its read models are. Those do
/// not count: a market that takes commands is ready.
pub async fn readyz(markets: Data<Markets>, models: Data<ReadModels>, asking: Option<Principal>) -> HttpResponse {
    let markets = markets.0.markets();
    let ready = !markets.is_empty() && markets.iter().all(|market| market.standing().is_serving());
    let mut body = json!({ "ready": ready });
    if let Some(staff) = asking.filter(Principal::is_staff) {
        let own = || markets.iter().filter(|market| staff.is_of(market.name()));
        let standings = own().map(|market| (market.name().to_owned(), Value::from(market.standing().to_string())));
        body["markets"] = Value::Object(standings.collect());
        let read =
            own().filter_map(|market| Some((market.name().to_owned(), told(&models.of(market.name())?.standing()))));
        body["read_models"] = Value::Object(read.collect());
    }
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
pub async fn metrics(markets: Data<Markets>, asking: Principal) -> Result<HttpResponse, RequestFault> {
    asking.may_measure()?;
    Ok(match markets.0.figures().text() {
        Ok(text) => {
            HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(text)
        }
        Err(cause) => HttpResponse::InternalServerError().content_type("text/plain").body(cause.to_string()),
    })
}
