//! Questions about rides.

use std::ops::Bound;

use hansom_engine::Key;
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable};

use super::{BY_DRIVER, BY_REQUEST, BY_RIDER, FIGURES, History, HistoryError, OPEN, RIDES, Ride, Status};
use crate::read::kpi::{Figure, Kpis, Tally};
use crate::read::page::{Page, Slice};

/// Which rides are meant. All that is said has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RideFilter {
    /// This rider's.
    pub rider: Option<String>,
    /// This driver's, who has it or had it to its end.
    pub driver: Option<String>,
    /// In one of these states; empty: in any.
    pub statuses: Vec<Status>,
    /// Whether its end is yet to come.
    pub open: Option<bool>,
    /// Asked for at this time or later, ms since 1970.
    pub from_ms: Option<i64>,
    /// Asked for before this time.
    pub until_ms: Option<i64>,
}

impl RideFilter {
    fn takes(&self, ride: &Ride) -> bool {
        let named = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
        named(&self.rider, Some(&ride.rider))
            && named(&self.driver, ride.driver.as_deref())
            && (self.statuses.is_empty() || self.statuses.contains(&ride.status()))
            && self.open.is_none_or(|open| open == ride.is_open())
            && self.from_ms.is_none_or(|from| ride.requested_at_ms >= from)
            && self.until_ms.is_none_or(|until| ride.requested_at_ms < until)
    }
}

/// Windows side by side: `count` of them, each `span_ms` long, from `from_ms` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buckets {
    /// Where the first begins, ms since 1970.
    pub from_ms: i64,
    /// How long each is, ms, at least 1.
    pub span_ms: i64,
    /// How many there are.
    pub count: usize,
}

impl Buckets {
    fn of(&self, at_ms: i64) -> Option<usize> {
        let index = at_ms.checked_sub(self.from_ms)?.div_euclid(self.span_ms.max(1));
        usize::try_from(index).ok().filter(|index| *index < self.count)
    }

    fn until_ms(&self) -> i64 {
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        self.from_ms.saturating_add(self.span_ms.saturating_mul(count))
    }
}

/// Numbers of rides in some order.
type Numbers = Box<dyn Iterator<Item = Result<u32, redb::StorageError>>>;

/// Numbers out of a table, in the direction of a slice.
fn directed<T: 'static>(
    list: impl DoubleEndedIterator<Item = Result<T, redb::StorageError>> + 'static,
    last: bool,
    number: fn(T) -> u32,
) -> Numbers {
    if last {
        Box::new(list.rev().map(move |row| row.map(number)))
    } else {
        Box::new(list.map(move |row| row.map(number)))
    }
}

impl History {
    /// The ride with this number.
    pub fn ride(&self, number: u32) -> Result<Option<Ride>, HistoryError> {
        Ok(self.rides_of(&[number])?.pop().flatten())
    }

    /// The rides with these numbers, in that order: one look into the database for all of them.
    pub fn rides_of(&self, numbers: &[u32]) -> Result<Vec<Option<Ride>>, HistoryError> {
        let read = self.read()?;
        let table = self.table(read.open_table(RIDES))?;
        numbers.iter().map(|number| self.get(&table, *number)).collect()
    }

    /// The number of the ride that the order with this id asked for.
    pub fn requested_by(&self, key: Key) -> Result<Option<u32>, HistoryError> {
        let table = self.table(self.read()?.open_table(BY_REQUEST))?;
        let found = table.get(key.0).map_err(|fault| self.failed(fault.into()))?;
        Ok(found.map(|number| number.value()))
    }

    /// The number of the ride that was asked for last; 0 if there is none.
    pub fn last_ride(&self) -> Result<u32, HistoryError> {
        let table = self.table(self.read()?.open_table(RIDES))?;
        let last = table.last().map_err(|fault| self.failed(fault.into()))?;
        Ok(last.map_or(0, |(number, _)| number.value()))
    }

    /// A page of rides, in order of request.
    pub fn rides(&self, filter: &RideFilter, slice: &Slice<u32>) -> Result<Page<u32, Ride>, HistoryError> {
        let read = self.read()?;
        let (first, end) = self.numbers(&read, filter.from_ms, filter.until_ms)?;
        let first = slice.after.map_or(first, |after| first.max(after.saturating_add(1)));
        let end = slice.before.map_or(end, |before| end.min(before));
        if first >= end {
            return Ok(Page { items: Vec::new(), more: false, reached: None });
        }
        let table = self.table(read.open_table(RIDES))?;
        let range = (Bound::Included(first), Bound::Excluded(end));
        let numbers = match filter {
            RideFilter { rider: Some(name), .. } => Self::named(&read, BY_RIDER, name, range, slice.last),
            RideFilter { driver: Some(name), .. } => Self::named(&read, BY_DRIVER, name, range, slice.last),
            RideFilter { open: Some(true), .. } => {
                (|| Ok(directed(read.open_table(OPEN)?.range(range)?, slice.last, |(number, _)| number.value())))()
            }
            _ => (|| Ok(directed(read.open_table(RIDES)?.range(range)?, slice.last, |(number, _)| number.value())))(),
        };
        let numbers = numbers.map_err(|fault: redb::Error| self.failed(fault))?;
        let rides = numbers.map(|number| {
            let number = number.map_err(|fault| self.failed(fault.into()))?;
            let ride = self.get(&table, number)?.ok_or_else(|| self.row(format!("ride {number}")))?;
            Ok((number, ride))
        });
        Page::collect(rides, slice, |ride| filter.takes(ride))
    }

    /// KPIs of windows side by side, over the rides that were asked for in each.
    pub fn kpis(&self, buckets: Buckets) -> Result<Vec<Kpis>, HistoryError> {
        let read = self.read()?;
        let (first, end) = self.numbers(&read, Some(buckets.from_ms), Some(buckets.until_ms()))?;
        let mut tallies: Vec<Tally> = (0..buckets.count).map(|_| Tally::default()).collect();
        let table = self.table(read.open_table(FIGURES))?;
        for row in table.range(first..end).map_err(|fault| self.failed(fault.into()))? {
            let (number, bytes) = row.map_err(|fault| self.failed(fault.into()))?;
            let figure = self.figure(number.value(), bytes.value())?;
            if let Some(tally) = buckets.of(figure.requested_at_ms).and_then(|bucket| tallies.get_mut(bucket)) {
                tally.add(&figure);
            }
        }
        Ok(tallies.into_iter().map(Tally::kpis).collect())
    }

    fn named(
        read: &ReadTransaction,
        table: redb::TableDefinition<'_, (&'static str, u32), ()>,
        name: &str,
        (first, end): (Bound<u32>, Bound<u32>),
        last: bool,
    ) -> Result<Numbers, redb::Error> {
        let of = |bound: Bound<u32>| bound.map(|number| (name, number));
        let range = read.open_table(table)?.range::<(&str, u32)>((of(first), of(end)))?;
        Ok(directed(range, last, |(key, _)| key.value().1))
    }

    /// The numbers of the rides asked for from one time on and before another: the first, and the one behind the last. Rides are
    /// numbered in order of request.
    fn numbers(
        &self,
        read: &ReadTransaction,
        from_ms: Option<i64>,
        until_ms: Option<i64>,
    ) -> Result<(u32, u32), HistoryError> {
        let table = self.table(read.open_table(FIGURES))?;
        let last = table.last().map_err(|fault| self.failed(fault.into()))?;
        let end = last.map_or(1, |(number, _)| number.value() + 1);
        let first_from = |at_ms: i64| {
            let (mut low, mut high) = (1, end);
            while low < high {
                let middle = low + (high - low) / 2;
                let row = table.get(middle).map_err(|fault| self.failed(fault.into()))?;
                let row = row.ok_or_else(|| self.row(format!("figure {middle}")))?;
                if self.figure(middle, row.value())?.requested_at_ms < at_ms { low = middle + 1 } else { high = middle }
            }
            Ok::<_, HistoryError>(low)
        };
        let first = from_ms.map_or(Ok(1), first_from)?;
        Ok((first, until_ms.map_or(Ok(end), first_from)?.max(first)))
    }

    fn figure(&self, number: u32, bytes: &[u8]) -> Result<Figure, HistoryError> {
        Figure::decode(bytes).ok_or_else(|| self.row(format!("figure {number}")))
    }

    fn get(&self, table: &ReadOnlyTable<u32, &'static [u8]>, number: u32) -> Result<Option<Ride>, HistoryError> {
        let row = table.get(number).map_err(|fault| self.failed(fault.into()))?;
        row.map(|row| self.ride_of(number, row.value())).transpose()
    }

    fn table<T>(&self, opened: Result<T, redb::TableError>) -> Result<T, HistoryError> {
        opened.map_err(|fault| self.failed(fault.into()))
    }
}
