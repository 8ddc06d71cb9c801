//! A turn that was taken, and what it told.

use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task::spawn_blocking;
use actix_web::rt::time::timeout;
use hansom_dispatcher::{MarketHandle, Read};
use hansom_market::ingest::Published;

/// What a turn told is there a moment after its answer.
const WITHIN: Duration = Duration::from_secs(5);

/// A turn of a market.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Of which market.
    pub market: MarketHandle,
    /// Where in its log.
    pub offset: u64,
}

/// What a turn told cannot be read now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the order was taken, but what its turn told cannot be read now; send it again with the same key")]
pub struct Unread;

impl Turn {
    /// What it told. That of an old turn is read from the log.
    pub async fn facts(&self) -> Result<Arc<[Published]>, Unread> {
        let (market, offset) = (&self.market, self.offset);
        let mut released = market.events().watch();
        let released = async move { released.wait_for(|next| *next > offset).await.is_ok() };
        if !timeout(WITHIN, released).await.unwrap_or(false) {
            return Err(Unread);
        }
        let told = match market.events().read(offset, 1) {
            Read::Told { told, .. } => told,
            Read::Wait => return Err(Unread),
            Read::Log { .. } => {
                let market = market.clone();
                let read = spawn_blocking(move || market.history(offset, offset + 1)?.read(1)).await;
                read.map_err(|_| Unread)?.map_err(|_| Unread)?
            }
        };
        let told = told.into_iter().find(|told| told.offset == offset);
        Ok(told.map(|told| told.facts).unwrap_or_default())
    }
}
