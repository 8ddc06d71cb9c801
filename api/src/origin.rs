//! Pages of other sites in a browser on this machine: what they may do here.
//!
//! A browser lets any page send requests to any address, loopback included, and only keeps the answers from it. Where requests
//! carry a token, that is harmless; where the gate stands open, it is not.

use std::net::IpAddr;

use actix_cors::Cors;
use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, ORIGIN};
use actix_web::middleware::Next;
use actix_web::web::Data;

use crate::auth::Gate;
use crate::fault::RequestFault;

/// Origins whose pages may use the routes, as `--cors-origin` names them.
#[derive(Debug, Clone, Default)]
pub struct Origins(pub Vec<String>);

/// A browser asks again after so many seconds what a page may do.
const ASK_EVERY_S: usize = 3600;

/// What tells browsers which pages may use the routes.
pub fn cors(origins: &Origins) -> Cors {
    let known = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::CONTENT_ENCODING,
        HeaderName::from_static("last-event-id"),
        HeaderName::from_static("traceparent"),
        HeaderName::from_static("tracestate"),
    ];
    let cors = Cors::default()
        .allowed_methods(["GET", "POST"])
        .allowed_headers(known)
        .expose_headers(["traceresponse"])
        .max_age(ASK_EVERY_S);
    origins.0.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// Turns a request away that a page of another site sent to a gate that stands open, or that reached it under another machine's
/// name.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    if let Some(fault) = foreign(&request) {
        return Ok(request.error_response(fault).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

fn foreign(request: &ServiceRequest) -> Option<RequestFault> {
    if !request.app_data::<Data<Gate>>()?.is_open() {
        return None;
    }
    let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(header::HOST);
    if host.is_some_and(|host| !is_this_machine(host)) {
        return Some(RequestFault::Origin);
    }
    let origin = text(ORIGIN)?;
    let own = host.is_some_and(|host| origin.split_once("://").is_some_and(|(_, of)| of == host));
    let known = request.app_data::<Data<Origins>>().is_some_and(|known| known.0.iter().any(|known| known == origin));
    (!own && !known).then_some(RequestFault::Origin)
}

/// Whether a host, perhaps with a port, is this machine by its name or address alone.
pub fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_this_machine;

    #[test]
    fn only_loopback_is_this_machine() {
        for host in ["localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:9", "[::1]:8080", "[::1]", "127.1.2.3:1"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in
            ["", "example.org", "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1:80", "[2001:db8::1]:80"]
        {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
