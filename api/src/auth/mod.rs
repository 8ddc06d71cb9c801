//! WHO: the principals that requests speak for, how they show who they are, and what each may do.
//!
//! A [`Gate`] makes a [`Principal`] of a bearer token, or of anybody where it stands open. What a principal may do is said in
//! one place (`may.rs`), for lines of JSON and for whatever else carries orders; how often, in `limits.rs`. Knows tokens, keys
//! and roles. Refuses to know routes, and what an order does.

mod crypto;
mod gate;
mod keys;
mod limits;
mod may;
mod principal;
mod token;

pub use gate::{Gate, bearer};
pub use keys::{KeyError, Keys, LEAST_SECRET_BYTES, Secret, Source};
pub use limits::{Limited, Limits, Rate};
pub use may::{Forbidden, HandedOver, NotGiven, Reading};
pub use principal::{Principal, Role};
pub use token::{AUDIENCE, Denied, Expected, Grant, mint};
