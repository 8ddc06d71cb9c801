//! The body of a request: unpacked, and bounded in size and time; all of them together are bounded, too.

use std::io::{self, Read};

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_ENCODING, HeaderValue};
use actix_web::rt::time::timeout;
use actix_web::web::{self, Bytes, BytesMut, Payload};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt;
use ruzstd::decoding::StreamingDecoder;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::fault::RequestFault;
use crate::server::Patience;

/// The most a body may have, packed and unpacked.
pub const MOST_BYTES: usize = 8 << 20;

/// Bodies take room in pieces of this many bytes …
const PIECE_BYTES: usize = 4 << 10;
/// … and in all not more than 256 MiB: thousands of connections may be open, and each may send as much as a body may have.
static ROOM: Semaphore = Semaphore::const_new((256 << 20) / PIECE_BYTES);

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

/// A body that was read, and the room that it takes.
#[derive(Debug)]
pub struct Body {
    /// What it says.
    pub bytes: Bytes,
    room: Room,
}

/// Room for bodies, given back when this is dropped.
#[derive(Debug, Default)]
struct Room(Option<SemaphorePermit<'static>>);

impl Room {
    /// Takes what is missing for a body of so many bytes.
    fn grow(&mut self, bytes: usize) -> Result<(), RequestFault> {
        let have = self.0.as_ref().map_or(0, SemaphorePermit::num_permits);
        let missing = bytes.div_ceil(PIECE_BYTES).saturating_sub(have);
        let more = ROOM.try_acquire_many(missing as u32).map_err(|_| RequestFault::NoRoom)?;
        match &mut self.0 {
            Some(room) => room.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }

    /// Gives back what is more than a body of so many bytes needs.
    fn shrink(&mut self, bytes: usize) {
        let room = self.0.as_mut();
        drop(room.and_then(|room| room.split(room.num_permits().saturating_sub(bytes.div_ceil(PIECE_BYTES)))));
    }
}

/// Reads a body to its end, and unpacks it.
pub async fn read(request: &HttpRequest, payload: Payload) -> Result<Body, RequestFault> {
    let packing = packing(request)?;
    let within = request.app_data().copied().unwrap_or(Patience::default()).body;
    let late = Err(RequestFault::TooSlow { within });
    let Body { bytes: packed, mut room } = timeout(within, collect(payload)).await.unwrap_or(late)?;
    if packing == Packing::Plain {
        return Ok(Body { bytes: packed, room });
    }
    room.grow(packed.len() + MOST_BYTES)?;
    // Beside the thread that serves requests: a full body takes tens of milliseconds.
    match web::block(move || unpack(packing, &packed)).await {
        Ok(Ok(Some(bytes))) => {
            room.shrink(bytes.len());
            Ok(Body { bytes: bytes.into(), room })
        }
        Ok(Ok(None)) => Err(RequestFault::TooLong { limit: MOST_BYTES }),
        Ok(Err(cause)) => Err(RequestFault::Packed { cause: cause.to_string() }),
        Err(cause) => Err(RequestFault::Broken { cause: cause.to_string() }),
    }
}

fn packing(request: &HttpRequest) -> Result<Packing, RequestFault> {
    // Packed twice, or named in two lines, is not understood.
    let named: Vec<_> = request.headers().get_all(CONTENT_ENCODING).map(HeaderValue::as_bytes).collect();
    let named = String::from_utf8_lossy(&named.join(&b", "[..])).trim().to_ascii_lowercase();
    match named.as_str() {
        "" | "identity" => Ok(Packing::Plain),
        "gzip" => Ok(Packing::Gzip),
        "zstd" => Ok(Packing::Zstd),
        _ => Err(RequestFault::Encoding { found: named }),
    }
}

async fn collect(mut payload: Payload) -> Result<Body, RequestFault> {
    let (mut body, mut room) = (BytesMut::new(), Room::default());
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|cause| RequestFault::Broken { cause: cause.to_string() })?;
        if body.len() + piece.len() > MOST_BYTES {
            return Err(RequestFault::TooLong { limit: MOST_BYTES });
        }
        room.grow(body.len() + piece.len())?;
        body.extend_from_slice(&piece);
    }
    Ok(Body { bytes: body.freeze(), room })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bodies_together_have_a_bound() {
        let (mut large, mut other) = (Room::default(), Room::default());
        large.grow(200 << 20).expect("there is room");
        large.grow(100 << 20).expect("it has that already");
        assert!(matches!(other.grow(100 << 20), Err(RequestFault::NoRoom)));
        large.shrink(1 << 20);
        other.grow(100 << 20).expect("some was given back");
        drop(large);
        other.grow(256 << 20).expect("it is alone");
        drop(other);
        assert_eq!(ROOM.available_permits(), (256 << 20) / PIECE_BYTES);
    }
}
