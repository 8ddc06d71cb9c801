//! The world in small cities: what must hold of every run.

mod behaviour;
mod closed_forms;
mod guests;
mod live;
mod repeat;
mod rows;
mod town;
