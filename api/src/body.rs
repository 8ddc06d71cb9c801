//! The body of a request: unpacked, and bounded in size and time.

use std::io::{self, Read};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::rt::time::timeout;
use actix_web::web::{self, Bytes, BytesMut, Payload};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt;
use ruzstd::decoding::StreamingDecoder;

use crate::fault::RequestFault;

/// The most a body may have, packed and unpacked.
pub const MOST_BYTES: usize = 8 << 20;
/// A body has to arrive within this time.
const WITHIN: Duration = Duration::from_secs(30);

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// RFC 1952, one member or several.
    Gzip,
    /// RFC 8878, one frame.
    Zstd,
}

/// Reads a body to its end, and unpacks it.
pub async fn read(request: &HttpRequest, payload: Payload) -> Result<Bytes, RequestFault> {
    let packing = packing(request)?;
    let late = Err(RequestFault::TooSlow { within: WITHIN });
    let body = timeout(WITHIN, collect(payload)).await.unwrap_or(late)?;
    if packing == Packing::Plain {
        return Ok(body);
    }
    // Beside the thread that serves requests: a full body takes tens of milliseconds.
    match web::block(move || unpack(packing, &body)).await {
        Ok(Ok(Some(bytes))) => Ok(bytes.into()),
        Ok(Ok(None)) => Err(RequestFault::TooLong { limit: MOST_BYTES }),
        Ok(Err(cause)) => Err(RequestFault::Broken { cause: cause.to_string() }),
        Err(cause) => Err(RequestFault::Broken { cause: cause.to_string() }),
    }
}

fn packing(request: &HttpRequest) -> Result<Packing, RequestFault> {
    let Some(named) = request.headers().get(CONTENT_ENCODING) else { return Ok(Packing::Plain) };
    let named = String::from_utf8_lossy(named.as_bytes()).trim().to_ascii_lowercase();
    match named.as_str() {
        "identity" => Ok(Packing::Plain),
        "gzip" => Ok(Packing::Gzip),
        "zstd" => Ok(Packing::Zstd),
        _ => Err(RequestFault::Encoding { found: named }),
    }
}

async fn collect(mut payload: Payload) -> Result<Bytes, RequestFault> {
    let mut body = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|cause| RequestFault::Broken { cause: cause.to_string() })?;
        if body.len() + piece.len() > MOST_BYTES {
            return Err(RequestFault::TooLong { limit: MOST_BYTES });
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// What `packed` unpacks to; `None`: more than [`MOST_BYTES`]. A small body can unpack to any size, so no more is unpacked.
pub fn unpack(packing: Packing, packed: &[u8]) -> io::Result<Option<Vec<u8>>> {
    match packing {
        Packing::Plain => bounded(packed),
        Packing::Gzip => bounded(MultiGzDecoder::new(packed)),
        Packing::Zstd => bounded(StreamingDecoder::new(packed).map_err(io::Error::other)?),
    }
}

fn bounded(packed: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    packed.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= MOST_BYTES).then_some(bytes))
}
