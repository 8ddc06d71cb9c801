//! Relay connections over pages: cursors that stay good while others write.

use async_graphql::connection::{Connection, Edge, EmptyFields};
use async_graphql::{OutputType, Result};

use super::{drivers, quarantine, rides};
use crate::graphql::code::{BAD_INPUT, bad_value, error};
use crate::read::{Page, Slice};

/// A page has so many items if nothing is said …
const USUAL: usize = 20;
/// … and never more than this.
const MOST: usize = 200;

/// A page of rides.
pub type RideConnection = Connection<String, rides::Ride, EmptyFields, EmptyFields>;
/// A page of drivers.
pub type DriverConnection = Connection<String, drivers::Driver, EmptyFields, EmptyFields>;
/// A page of lines in quarantine.
pub type QuarantineConnection = Connection<String, quarantine::Quarantined, EmptyFields, EmptyFields>;

/// A place in a list, as a cursor has it.
pub trait Placed: Clone {
    /// What its cursors begin with, so that those of another list are not taken.
    const LIST: char;
    /// What stands behind that.
    fn write(&self) -> String;
    /// Reads it back.
    fn read(text: &str) -> Option<Self>;
}

/// Rides go by number.
impl Placed for u32 {
    const LIST: char = 'r';

    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// Drivers go by name: a driver's number in the engine is given out again.
impl Placed for String {
    const LIST: char = 'd';

    fn write(&self) -> String {
        self.clone()
    }

    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

/// Lines in quarantine go by number.
impl Placed for u64 {
    const LIST: char = 'q';

    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

fn cursor<K: Placed>(place: &K) -> String {
    format!("{}{}", K::LIST, place.write())
}

fn place<K: Placed>(argument: &str, cursor: Option<String>) -> Result<Option<K>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let read = cursor.strip_prefix(K::LIST).and_then(K::read);
    read.map(Some).ok_or_else(|| bad_value(argument, "a cursor of this list", &cursor))
}

/// How many items a page may have, for what it costs.
pub fn size(first: Option<i64>, last: Option<i64>) -> usize {
    first.or(last).map_or(USUAL, |size| usize::try_from(size).unwrap_or(0)).min(MOST)
}

/// How many items a page may have, by the argument of this name.
pub fn limit(argument: &str, given: Option<i64>) -> Result<usize> {
    match given {
        Some(given) if given < 0 => Err(bad_value(argument, "0 or more, of which a page has 200 at most", given)),
        given => Ok(size(given, None)),
    }
}

/// The part of a list that a connection's arguments mean.
pub fn slice<K: Placed>(
    first: Option<i64>,
    after: Option<String>,
    last: Option<i64>,
    before: Option<String>,
) -> Result<Slice<K>> {
    if first.is_some() && last.is_some() {
        return Err(error(BAD_INPUT, "give `first` or `last`, not both"));
    }
    let limit = if last.is_some() { limit("last", last)? } else { limit("first", first)? };
    Ok(Slice { after: place("after", after)?, before: place("before", before)?, last: last.is_some(), limit })
}

/// A page as a connection.
pub fn connection<K: Placed, T, N: OutputType>(
    slice: &Slice<K>,
    page: Page<K, T>,
    node: impl Fn(T) -> N,
) -> Connection<String, N, EmptyFields, EmptyFields> {
    let (before, after) = (slice.after.is_some(), slice.before.is_some());
    let (previous, next) = if slice.last { (page.more, after) } else { (before, page.more) };
    let mut connection = Connection::new(previous, next);
    connection.edges.extend(page.items.into_iter().map(|(place, item)| Edge::new(cursor(&place), node(item))));
    connection
}
