//! A log run again under other rules: only what came from outside is taken from it.
//!
//! The nouns: [`Outside`] is what the log of a run holds of the world, [`Served`] what that of a market that was served tells of
//! it, with the [`Patience`] of riders and the pace of streets learnt from it; [`Changed`] a ride that ends otherwise, with
//! the reason. Knows logs and reports; refuses to know how they are shown.

mod changed;
mod outside;
mod pace;
mod patience;
mod served;

pub use changed::{Changed, changed};
pub use outside::Outside;
pub use pace::Traversals;
pub use patience::{Patience, Wait};
pub use served::{Habits, Served};
