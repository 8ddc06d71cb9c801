//! The markets of this process.

use async_graphql::{Context, Object, Result, SimpleObject};

use crate::auth::Principal;
use crate::graphql::scalar::Offset;
use crate::markets;

/// The markets of this process.
#[derive(Debug, Default)]
pub struct Markets;

/// A market: one city or region that is dispatched by itself.
#[derive(Debug, SimpleObject)]
pub struct Market {
    /// Its name.
    name: String,
    /// What it is doing: `opening`, `serving`, `draining`, `halted: …` or `closed`.
    standing: String,
    /// Whether it takes commands.
    serving: bool,
    /// The turn that will be released next: all before it can be read.
    next: Offset,
}

#[Object]
impl Markets {
    /// The markets of this process that one may use, in order of name.
    async fn markets(&self, ctx: &Context<'_>) -> Result<Vec<Market>> {
        let (markets, asking) = (ctx.data::<markets::Markets>()?.0.markets(), ctx.data::<Principal>()?);
        let own = markets.iter().filter(|market| asking.is_of(market.name()));
        let shown = own.map(|market| Market {
            name: market.name().to_owned(),
            standing: market.standing().to_string(),
            serving: market.standing().is_serving(),
            next: Offset(market.events().next()),
        });
        Ok(shown.collect())
    }
}
