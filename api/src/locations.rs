//! `POST /v1/locations`: positions, a line each. An answer says that the line was received: what is newer may replace it
//! before the market sees it.

use std::future::ready;

use actix_web::web::{self, Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use hansom_market::ingest::decode_location;

use crate::answers::{self, Answer, Lines, Taker};
use crate::auth::Principal;
use crate::body;
use crate::commands::quarantine;
use crate::fault::{LineFault, RequestFault};
use crate::markets::{Chosen, Markets, OfMarket};

/// Takes the positions of a request.
pub async fn post(
    request: HttpRequest,
    principal: Principal,
    query: web::Query<OfMarket>,
    markets: Data<Markets>,
    payload: Payload,
) -> Result<HttpResponse, RequestFault> {
    principal.may_report_at_all()?;
    let market = markets.choose(query.market.as_deref(), &principal)?;
    let body = body::read(&request, payload).await?;
    Ok(answers::respond(&request, Lines::of(body), Positions { market, principal }))
}

struct Positions {
    market: Chosen,
    principal: Principal,
}

impl Taker for Positions {
    fn take(&mut self, line: &Bytes, _: bool) -> Option<Answer> {
        let location = match decode_location(line) {
            Ok(location) => location,
            Err(malformed) => {
                return Some(quarantine(&self.market, &self.principal, "/v1/locations", &malformed, line));
            }
        };
        let id = location.id.clone();
        let received = self.market.of(location.market.as_ref()).and_then(|market| {
            let next = market.events().next();
            self.principal.report(&market, location).map(|()| next).map_err(|cause| LineFault::not_given(&cause))
        });
        Some(Box::pin(ready(match received {
            Ok(next) => answers::taken(&id, next),
            Err(fault) => answers::faulty(Some(&id), &fault),
        })))
    }
}
