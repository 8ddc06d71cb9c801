//! What a ride would cost, by the static tariff.

use async_graphql::{Context, Object, Result, SimpleObject};
use hansom_engine::Name;
use hansom_engine::record::RequestRide;
use hansom_market::ingest::request_refusal_word;

use super::answer::QuoteResult;
use super::ask::{self, not_read};
use crate::auth::Reading as Concern;
use crate::graphql::input::{PlaceInput, byte};
use crate::graphql::scalar::{Minor, Offset};
use crate::graphql::word::RefusalCode;

/// What a ride would cost if it were asked for now. Nothing is promised by it.
#[derive(Debug, SimpleObject)]
pub struct RideQuote {
    /// The turn that will be taken in next: what is said is as of the one before.
    next: Offset,
    /// Upfront fare; `null`: the request would be refused.
    fare_minor: Option<Minor>,
    /// The currency of it.
    currency: String,
    /// Travel time from pickup to dropoff, ms.
    direct_ms: Option<u32>,
    /// Length of that way, m.
    direct_m: Option<f64>,
    /// ETA of the best driver at the pickup, ms; `null`: there is none.
    first_eta_ms: Option<u32>,
    /// Why it would be refused.
    refusal: Option<RefusalCode>,
}

/// What can be asked about prices.
#[derive(Debug, Default)]
pub struct Quotes;

#[Object]
impl Quotes {
    /// What a ride would cost and how long its driver would take, if it were asked for now.
    #[graphql(complexity = "50 + child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "what a request says")]
    async fn quote(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "May be left out where there is one only.")] market: Option<String>,
        #[graphql(desc = "Where the rider wants to get in.")] pickup: PlaceInput,
        #[graphql(desc = "Where the rider wants to get out.")] dropoff: PlaceInput,
        #[graphql(desc = "Seats needed.", default = 1)] seats: i64,
        #[graphql(desc = "Vehicle class wanted.", default = 0)] class: i64,
        #[graphql(desc = "The answer knows of this turn.")] min_offset: Option<Offset>,
    ) -> Result<QuoteResult> {
        let (pickup, dropoff) = (pickup.coord("pickup")?, dropoff.coord("dropoff")?);
        let (seats, class) = (byte("seats", seats)?, byte("class", class)?);
        let reading = match ask::reading(ctx, market.as_deref(), Concern::Open)? {
            Ok(reading) => reading,
            Err(why) => return Ok(QuoteResult::from(Err(why))),
        };
        let rider = Name::default();
        let request = RequestRide { rider, pickup, dropoff, seats, class, tier: 0, blocked: Box::default() };
        let (next, quote) = match reading.quote(min_offset.map(|offset| offset.0), request).await {
            Ok(quote) => quote,
            Err(why) => return Ok(Err(not_read(&reading, why)).into()),
        };
        let told = quote.ok();
        let currency = reading.spec().header.settings.tariff.currency.to_string();
        Ok(QuoteResult::from(Ok(RideQuote {
            next: Offset(next),
            fare_minor: told.map(|quote| Minor(quote.fare_minor)),
            currency,
            direct_ms: told.map(|quote| quote.direct_ms),
            direct_m: told.map(|quote| f64::from(quote.direct_mm) / 1000.0),
            first_eta_ms: told.and_then(|quote| quote.first_eta_ms),
            refusal: quote.err().map(|why| RefusalCode::of(request_refusal_word(why))),
        })))
    }
}
