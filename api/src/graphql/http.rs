//! GraphQL over HTTP: one operation a request, by POST, or by GET where nothing changes.

use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, UPGRADE};
use actix_web::rt::time::timeout;
use actix_web::web::{Data, Payload};
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, ResponseError};
use async_graphql::http::parse_query_string;
use async_graphql::{ErrorExtensionValues, Request, Response, ServerError, Value};

use super::Schema;
use super::code::labelled;
use super::lists;
use super::socket::{self, Closing};
use crate::auth::{Gate, Principal};
use crate::body;
use crate::fault::RequestFault;
use crate::trace::{RequestTrace, Tracing};

/// A request is answered within this time.
const WITHIN: Duration = Duration::from_secs(10);
/// The text of an operation has at most so many bytes: it is parsed before its depth can be looked at.
pub const MOST_QUERY_BYTES: usize = 32 << 10;
/// An operation with its variables has at most so many bytes.
pub const MOST_REQUEST_BYTES: usize = 1 << 20;

/// The media type of GraphQL over HTTP.
const GRAPHQL: &str = "application/graphql-response+json";
/// What clients took before there was one, and all of them take.
const JSON: &str = "application/json";

/// The request may change nothing.
#[derive(Debug)]
pub struct ReadOnly;

/// Answers an operation in a body.
pub async fn post(
    request: HttpRequest,
    principal: Result<Principal, RequestFault>,
    schema: Data<Schema>,
    trace: RequestTrace,
    payload: Payload,
) -> HttpResponse {
    let accepted = accepted(request.headers());
    let principal = match principal {
        Ok(principal) => principal,
        Err(cause) => return unread(accepted, &cause),
    };
    // A form of a foreign page cannot send this type, so that it cannot act for whoever looks at it.
    if content_type(request.headers()).as_deref() != Some(JSON) {
        let reason = "send application/json";
        return answer(accepted, StatusCode::UNSUPPORTED_MEDIA_TYPE, &fault("CONTENT_TYPE", reason));
    }
    let body = match body::read(&request, payload).await {
        Ok(body) if body.bytes.len() <= MOST_REQUEST_BYTES => body,
        Ok(_) => return unread(accepted, &RequestFault::TooLong { limit: MOST_REQUEST_BYTES }),
        Err(cause) => return unread(accepted, &cause),
    };
    trace.received();
    match lists::operation(&body.bytes) {
        Ok(operation) => execute(accepted, &schema, operation.data(principal).data(trace)).await,
        Err(cause) => {
            let reason = format!("not an operation as GraphQL over HTTP has it: {cause}");
            answer(accepted, StatusCode::BAD_REQUEST, &fault("BAD_REQUEST", &reason))
        }
    }
}

/// Answers an operation in the address, or opens a socket.
pub async fn get(
    request: HttpRequest,
    gate: Data<Gate>,
    schema: Data<Schema>,
    closing: Data<Closing>,
    tracing: Data<Option<Tracing>>,
    payload: Payload,
) -> Result<HttpResponse, Error> {
    if request.headers().contains_key(UPGRADE) {
        return socket::open(&request, payload, gate, schema, &closing, tracing).await;
    }
    let accepted = accepted(request.headers());
    let principal = match Principal::from_request(&request, &mut actix_web::dev::Payload::None).await {
        Ok(principal) => principal,
        Err(cause) => return Ok(unread(accepted, &cause)),
    };
    Ok(match parse_query_string(request.query_string()) {
        Ok(operation) => execute(accepted, &schema, operation.data(ReadOnly).data(principal)).await,
        Err(cause) => answer(accepted, StatusCode::BAD_REQUEST, &fault("BAD_REQUEST", &cause.to_string())),
    })
}

async fn execute(accepted: &'static str, schema: &Schema, operation: Request) -> HttpResponse {
    if operation.query.len() > MOST_QUERY_BYTES {
        return unread(accepted, &RequestFault::TooLong { limit: MOST_QUERY_BYTES });
    }
    match timeout(WITHIN, schema.execute(operation)).await.map(labelled) {
        // A request that was not carried out at all; older clients want 200 for that, too.
        Ok(response) if response.data == Value::Null && response.is_err() && accepted == GRAPHQL => {
            answer(accepted, StatusCode::BAD_REQUEST, &response)
        }
        Ok(response) => answer(accepted, StatusCode::OK, &response),
        Err(_) => {
            let reason = format!("not answered within {} s", WITHIN.as_secs());
            answer(accepted, StatusCode::SERVICE_UNAVAILABLE, &fault("TIMEOUT", &reason))
        }
    }
}

fn unread(accepted: &'static str, cause: &RequestFault) -> HttpResponse {
    // With what its head says of who may come, and when.
    let mut response = cause.error_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(accepted));
    let told = fault(&cause.code().to_ascii_uppercase(), &cause.to_string());
    response.set_body(BoxBody::new(serde_json::to_string(&told).unwrap_or_default()))
}

/// What could not be carried out.
pub fn fault(code: &str, reason: &str) -> Response {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code);
    let mut error = ServerError::new(reason, None);
    error.extensions = Some(extensions);
    Response::from_errors(vec![error])
}

fn answer(media: &'static str, status: StatusCode, response: &Response) -> HttpResponse {
    match serde_json::to_string(response) {
        Ok(text) => {
            HttpResponse::build(status).content_type(media).insert_header(("cache-control", "no-store")).body(text)
        }
        Err(cause) => HttpResponse::InternalServerError().content_type("text/plain").body(cause.to_string()),
    }
}

/// The media type that a client wants.
fn accepted(headers: &HeaderMap) -> &'static str {
    let wanted = headers.get(ACCEPT).and_then(|wanted| wanted.to_str().ok()).unwrap_or_default();
    if wanted.contains(GRAPHQL) { GRAPHQL } else { JSON }
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(given.split(';').next()?.trim().to_ascii_lowercase())
}
