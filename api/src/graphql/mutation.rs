//! What can be ordered. An order's input becomes the line that `/v1/commands` would get; the answer comes once its turn is durable.

use actix_web::rt::time::timeout;
use actix_web::web::Bytes;
use async_graphql::{Context, Object, Result};
use hansom_dispatcher::{Answer, MarketHandle};
use hansom_market::ingest::decode;
use serde::Serialize;

use super::code;
use super::failure::{CommandResult, Failure, ReportPositionsResult, RequestRideResult, SessionResult};
use super::http::ReadOnly;
use super::input::{
    CancelRideInput, EndShiftInput, EndTripInput, OfferInput, OpenSessionInput, RequestRideInput, StartShiftInput,
    TripInput,
};
use super::line::{SOURCE, WITHIN, line};
use super::lists::Positions;
use super::report::report;
use super::result::{RideTaken, SessionTaken, Taken};
use super::scalar::Key;
use super::turn::Turn;
use crate::auth::{NotGiven, Principal};
use crate::commands::put_aside;
use crate::markets::Markets;
use crate::trace::RequestTrace;

/// What can be ordered.
#[derive(Debug)]
pub struct Mutation;

/// An order costs as much as a hundred fields: so many of them a request has at most.
#[Object]
impl Mutation {
    /// A rider asks for a ride.
    #[graphql(complexity = "100 + child_complexity")]
    async fn request_ride(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which market; may be left out where there is one only.")] market: Option<String>,
        key: Key,
        input: RequestRideInput,
    ) -> Result<RequestRideResult> {
        Ok(match order(ctx, market, &key, "request_ride", &input).await? {
            Ok(turn) => RideTaken::of(turn, ctx.data()?).await,
            Err(failure) => Err(failure),
        }
        .into())
    }

    /// A rider cancels.
    #[graphql(complexity = "100 + child_complexity")]
    async fn cancel_ride(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which market; may be left out where there is one only.")] market: Option<String>,
        key: Key,
        input: CancelRideInput,
    ) -> Result<CommandResult> {
        command(ctx, market, &key, "cancel_ride", &input).await
    }

    /// A driver goes on shift with a vehicle, and opens the first session of it.
    #[graphql(complexity = "100 + child_complexity")]
    async fn start_shift(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which market; may be left out where there is one only.")] market: Option<String>,
        key: Key,
        input: StartShiftInput,
    ) -> Result<SessionResult> {
        session(ctx, market, &key, "start_shift", &input).await
    }

    /// Another device takes over for a driver on shift: what older sessions send is refused from then on.
    #[graphql(complexity = "100 + child_complexity")]
    async fn open_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which market; may be left out where there is one only.")] market: Option<String>,
        key: Key,
        input: OpenSessionInput,
    ) -> Result<SessionResult> {
        session(ctx, market, &key, "open_session", &input).await
    }

    /// A driver ends the shift; promised rides are finished first.
    #[graphql(complexity = "100 + child_complexity")]
    async fn end_shift(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which market; may be left out where there is one only.")] market: Option<String>,
        key: Key,
        input: EndShiftInput,
    ) -> Result<CommandResult> {
        command(ctx, market, &key, "end_shift", &input).await
    }

    /// A driver takes an offer.
    #[graphql(complexity = "100 + child_complexity")]
    async fn accept_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which market; may be left out where there is one only.")] market: Option<String>,
        key: Key,
        input: OfferInput,
    ) -> Result<CommandResult> {
        command(ctx, market, &key, "accept_offer", &input).await
    }

    /// A driver turns an offer down.
    #[graphql(complexity = "100 + child_complexity")]
    async fn decline_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which market; may be left out where there is one only.")] market: Option<String>,
        key: Key,
        input: OfferInput,
    ) -> Result<CommandResult> {
        command(ctx, market, &key, "decline_offer", &input).await
    }

    /// A driver is at the pickup.
    #[graphql(complexity = "100 + child_complexity")]
    async fn arrive_at_pickup(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which market; may be left out where there is one only.")] market: Option<String>,
        key: Key,
        input: TripInput,
    ) -> Result<CommandResult> {
        command(ctx, market, &key, "arrive_at_pickup", &input).await
    }

    /// The rider is in the vehicle: the trip starts.
    #[graphql(complexity = "100 + child_complexity")]
    async fn board_rider(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which market; may be left out where there is one only.")] market: Option<String>,
        key: Key,
        input: TripInput,
    ) -> Result<CommandResult> {
        command(ctx, market, &key, "board_rider", &input).await
    }

    /// The rider is out of the vehicle: the trip is complete.
    #[graphql(complexity = "100 + child_complexity")]
    async fn end_trip(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which market; may be left out where there is one only.")] market: Option<String>,
        key: Key,
        input: EndTripInput,
    ) -> Result<CommandResult> {
        command(ctx, market, &key, "end_trip", &input).await
    }

    /// A driver gives a ride back before the pickup.
    #[graphql(complexity = "100 + child_complexity")]
    async fn cancel_by_driver(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which market; may be left out where there is one only.")] market: Option<String>,
        key: Key,
        input: TripInput,
    ) -> Result<CommandResult> {
        command(ctx, market, &key, "cancel_by_driver", &input).await
    }

    /// Where vehicles are, at most 1,024 of them. Answered when all of them are durable that no newer one replaced. With the same key,
    /// the same positions get the first answer again; those of which the market has nothing, or nobody knows, have another try. That is
    /// remembered for ten minutes at most, while the server runs. What makes a position unique for ever is its number in the
    /// driver's session: after that, or with another key, it is refused as `OUT_OF_ORDER`.
    #[graphql(complexity = "100 + child_complexity")]
    async fn report_positions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which market; may be left out where there is one only.")] market: Option<String>,
        key: Key,
        positions: Positions,
    ) -> Result<ReportPositionsResult> {
        Ok(match choose(ctx, market.as_deref())? {
            Ok(market) => report(ctx.data()?, &market, ctx.data()?, &key, positions.of(ctx)?).await,
            Err(failure) => Err(failure),
        }
        .into())
    }
}

async fn command(
    ctx: &Context<'_>,
    market: Option<String>,
    key: &Key,
    kind: &str,
    input: &impl Serialize,
) -> Result<CommandResult> {
    Ok(order(ctx, market, key, kind, input).await?.map(Taken::from).into())
}

async fn session(
    ctx: &Context<'_>,
    market: Option<String>,
    key: &Key,
    kind: &str,
    input: &impl Serialize,
) -> Result<SessionResult> {
    Ok(match order(ctx, market, key, kind, input).await? {
        Ok(turn) => SessionTaken::of(turn).await,
        Err(failure) => Err(failure),
    }
    .into())
}

/// The market that is named, or the only one.
fn choose(ctx: &Context<'_>, market: Option<&str>) -> Result<Result<MarketHandle, Failure>> {
    if ctx.data_opt::<ReadOnly>().is_some() {
        return Err(code::error("METHOD", "a GET changes nothing: send mutations by POST"));
    }
    let markets = ctx.data::<Markets>()?;
    Ok(markets.one(market).map_err(|fault| Failure::no_market(&fault, markets.names())))
}

/// Gives an order to its market, and waits for the turn.
async fn order(
    ctx: &Context<'_>,
    market: Option<String>,
    key: &Key,
    kind: &str,
    input: &impl Serialize,
) -> Result<Result<Turn, Failure>> {
    Ok(match choose(ctx, market.as_deref())? {
        Ok(market) => {
            let line = line(&key.0, &format!("hansom.command.{kind}.v1"), None, input);
            taken(ctx.data()?, ctx.data_opt(), market, &line).await
        }
        Err(failure) => Err(failure),
    })
}

async fn taken(
    principal: &Principal,
    trace: Option<&RequestTrace>,
    market: MarketHandle,
    line: &Bytes,
) -> Result<Turn, Failure> {
    let order = match decode(line) {
        Ok(order) => order,
        Err(malformed) => {
            // It counts against what its sender may do, too.
            principal.may_use(market.name()).map_err(|cause| Failure::from(&NotGiven::from(cause)))?;
            principal.spend(1).map_err(|cause| Failure::from(&NotGiven::from(cause)))?;
            let failure = Failure::from(&malformed);
            put_aside(market, SOURCE, &malformed, line).await;
            return Err(failure);
        }
    };
    let trace = trace.and_then(|trace| trace.order(order.body.kind()));
    let pending = principal.order(&market, order, trace).map_err(|cause| Failure::from(&cause))?;
    match timeout(WITHIN, pending.answer()).await {
        Ok(Ok(Answer::Taken { offset })) => Ok(Turn { market, offset: offset.0 }),
        Ok(Ok(Answer::Refused { offset, reason })) => Err(Failure::refused(offset.0, reason)),
        Ok(Ok(Answer::Skipped { offset })) => Err(Failure::skipped(offset.0)),
        Ok(Err(cause)) => Err(Failure::from(&cause)),
        Err(_) => Err(Failure::late(WITHIN)),
    }
}
