//! What an order came to, as the events of its turn say. All of it would survive a loss of power.

use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use hansom_market::ingest::{Fact, Published};

use super::code::{LOG, error};
use super::event::Event;
use super::failure::Failure;
use super::scalar::{Minor, Offset, Place, ride_id};
use super::seen::seen;
use super::turn::{Turn, Unread};
use crate::auth::Principal;

/// The order was taken; a repeat of one that was gets the first answer again.
#[derive(Debug, SimpleObject)]
#[graphql(complex)]
pub struct Taken {
    /// The turn that took it. What is asked with it as `minOffset` knows of it.
    offset: Offset,
    #[graphql(skip)]
    turn: Turn,
}

impl From<Turn> for Taken {
    fn from(turn: Turn) -> Self {
        Self { offset: Offset(turn.offset), turn }
    }
}

#[ComplexObject]
impl Taken {
    /// What happened in that turn, as far as the outside gets to know.
    #[graphql(complexity = "10 * child_complexity")]
    async fn events(&self, ctx: &Context<'_>) -> Result<Vec<Event>> {
        let (principal, turn) = (ctx.data::<Principal>()?, &self.turn);
        let facts = turn.facts().await.map_err(|cause| error(LOG, cause.to_string()))?;
        Ok(facts.iter().filter_map(|fact| seen(principal, &turn.market, fact)).collect())
    }
}

/// The ride was asked for; a repeat gets the first answer again.
#[derive(Debug, SimpleObject)]
pub struct RideTaken {
    /// The turn that took it. What is asked with it as `minOffset` knows of it.
    offset: Offset,
    /// The number of the ride.
    ride: ID,
    /// Where the rider will get in, on the streets.
    pickup: Place,
    /// Where the rider will get out, on the streets.
    dropoff: Place,
    /// Upfront fare.
    fare_minor: Minor,
    /// Travel time from pickup to dropoff, ms.
    direct_ms: u32,
    /// ETA of the best driver at the pickup, ms, if there is one.
    first_eta_ms: Option<u32>,
    /// What happened in that turn, as far as the outside gets to know.
    #[graphql(complexity = "10 * child_complexity")]
    events: Vec<Event>,
}

impl RideTaken {
    /// That of the turn that took a request.
    pub async fn of(turn: Turn, principal: &Principal) -> Result<Self, Failure> {
        let facts = turn.facts().await.map_err(|cause| Failure::unread(&cause))?;
        let asked = facts.iter().find_map(|published| match &published.fact {
            Fact::RideRequested(asked) => Some(asked),
            _ => None,
        });
        let asked = asked.ok_or_else(|| Failure::unread(&Unread))?;
        Ok(Self {
            offset: Offset(turn.offset),
            ride: ride_id(asked.ride),
            pickup: asked.pickup.into(),
            dropoff: asked.dropoff.into(),
            fare_minor: asked.fare_minor.into(),
            direct_ms: asked.direct_ms,
            first_eta_ms: asked.first_eta_ms,
            events: facts.iter().filter_map(|fact| seen(principal, &turn.market, fact)).collect(),
        })
    }
}

/// A session of a driver is open; a repeat gets the first answer again.
#[derive(Debug, SimpleObject)]
pub struct SessionTaken {
    /// The turn that opened it. What is asked with it as `minOffset` knows of it.
    offset: Offset,
    /// The session's number: orders and positions of this device name it.
    session: u32,
}

impl SessionTaken {
    /// That of the turn that opened it.
    pub async fn of(turn: Turn) -> Result<Self, Failure> {
        let facts = turn.facts().await.map_err(|cause| Failure::unread(&cause))?;
        let session = |published: &Published| match &published.fact {
            Fact::ShiftStarted(_) => Some(hansom_engine::domain::Session::FIRST.0),
            Fact::SessionOpened(opened) => Some(opened.session),
            _ => None,
        };
        let session = facts.iter().find_map(session).ok_or_else(|| Failure::unread(&Unread))?;
        Ok(Self { offset: Offset(turn.offset), session })
    }
}

/// Positions were received. Each is durable, unless a newer one of the same driver came into its place, of which the answer to that
/// one tells.
#[derive(Debug, Clone, SimpleObject)]
pub struct PositionsReceived {
    /// How many.
    pub received: u32,
    /// Those that were not, in order.
    pub failures: Vec<PositionFailure>,
    /// The turn after which all of them are known; if none was received, the last there was.
    pub offset: Offset,
}

/// A position that was not received, or that a rule forbids.
#[derive(Debug, Clone, SimpleObject)]
pub struct PositionFailure {
    /// Which of the batch, from 0.
    pub index: u32,
    /// Why.
    pub failure: Failure,
}
