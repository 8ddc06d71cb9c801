//! What can be asked.

mod market;

use async_graphql::MergedObject;

/// What can be asked.
#[derive(Debug, Default, MergedObject)]
pub struct Query(market::Markets);
