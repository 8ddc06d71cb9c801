//! Answers that are sent while they are made.

use std::convert::Infallible;

use actix_web::http::Version;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::Stream;

/// An answer of this type, made piece by piece. In HTTP 1.0, which knows no chunks, it ends with the connection.
pub fn streaming(
    request: &HttpRequest,
    content_type: &'static str,
    pieces: impl Stream<Item = Result<Bytes, Infallible>> + 'static,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.content_type(content_type).insert_header(("cache-control", "no-store"));
    let chunks = request.version() != Version::HTTP_10;
    if !chunks {
        response.force_close();
    }
    let mut response = response.streaming(pieces);
    response.head_mut().no_chunking(!chunks);
    response
}
