//! GraphQL: what riders, drivers and operators ask, order and listen to.
//!
//! An order goes the way of `/v1/commands`: the input becomes the same line, the same decoder reads it, the same market decides
//! it, and the answer is there once the turn is durable (`mutation`). A position goes to that decoder without a line (`lists`, `report`),
//! and a bundle of them that comes again gets the first answer (`first`).
//! What is told comes from what the market released (`event`, `subscription`); what is asked, from the read models (`query`).
//! What can be expected to go wrong is a type ([`failure`]), never a sentence alone. Refuses to know a rule of the market.

// Resolvers are asynchronous, whether they wait or not.
#![allow(clippy::unused_async)]

pub mod changes;
mod code;
pub mod event;
pub mod failure;
mod first;
mod http;
mod input;
mod line;
pub mod lists;
mod mutation;
pub mod nesting;
pub mod query;
mod report;
mod result;
pub mod scalar;
mod seen;
mod socket;
mod subscription;
mod turn;
pub mod unfolded;
pub mod word;

use std::sync::Arc;

use async_graphql::SchemaBuilder;
use async_graphql::extensions::apollo_persisted_queries::{ApolloPersistedQueries, LruCacheStorage};

pub use http::{get, post};
pub use mutation::Mutation;
pub use query::Query;
pub use socket::{Closing, Introduction, Said};
pub use subscription::Subscription;

use crate::markets::Markets;
use crate::read::ReadModels;

/// All that can be asked, ordered and listened to.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// A query is at most so many selections deep: as deep as that by which clients get to know the schema (graphql-js 16.11:
/// fourteen). The deepest about rides that makes sense has ten.
const DEPTH: usize = 15;
/// … and has at most so many fields, those of each item of a page counted.
pub const COMPLEXITY: usize = 5_000;
/// A field has at most so many directives.
const DIRECTIVES: usize = 4;
/// So many persisted queries are kept; those used longest ago give way.
const PERSISTED: usize = 1_000;

/// The schema over these markets and their read models; `None`: only to be printed.
pub fn schema(over: Option<(Markets, Arc<ReadModels>)>) -> Schema {
    let mut schema = builder();
    if let Some((markets, models)) = over {
        schema = schema.data(markets).data(models).data(Arc::<first::FirstAnswers>::default());
    }
    schema.finish()
}

/// The schema over nothing yet. The order counts: nothing is parsed that is nested too deep, nothing gone through that
/// unfolds to too much, and a persisted query is known before it is
/// seen what stands for positions in it.
fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation, Subscription)
        .register_output_type::<failure::Failure>()
        .register_output_type::<query::answer::Unanswered>()
        .limit_depth(DEPTH)
        .limit_complexity(COMPLEXITY)
        .limit_directives(DIRECTIVES)
        .extension(nesting::Nesting)
        .extension(unfolded::Unfolded)
        .extension(ApolloPersistedQueries::new(LruCacheStorage::new(PERSISTED)))
        .extension(lists::Reported)
}

/// The schema in GraphQL's schema definition language, as it stands in `api/schema.graphql`.
pub fn sdl() -> String {
    schema(None).sdl()
}
