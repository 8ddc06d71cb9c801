//! Lines that could not be read.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use hansom_market::quarantine::{Entry, list};

use super::answer::QuarantineResult;
use super::ask::{self, beside};
use super::page;
use crate::auth::Reading as Concern;
use crate::graphql::scalar::{Offset, Time};
use crate::read::Page;

/// A line that could not be read.
#[derive(Debug, SimpleObject)]
pub struct Quarantined {
    /// Its number, as `hansom quarantine` has it.
    id: ID,
    /// When it came.
    at: Time,
    /// Why it could not be read.
    reason: String,
    /// Where it came from.
    source: String,
    /// How many bytes it had.
    length: u64,
    /// The line, as far as it is kept, with signs for what is no UTF-8.
    text: String,
    /// When it was handed over to the market again; `null`: it waits.
    handed_over_at: Option<Time>,
}

impl From<Entry> for Quarantined {
    fn from(entry: Entry) -> Self {
        Self {
            id: ID(entry.id.to_string()),
            at: Time(entry.at),
            reason: entry.reason.into(),
            source: entry.source.into(),
            length: entry.length,
            text: String::from_utf8_lossy(&entry.bytes).into_owned(),
            handed_over_at: entry.handed_over.map(Time),
        }
    }
}

/// What can be asked about lines that could not be read.
#[derive(Debug, Default)]
pub struct Quarantine;

#[Object]
impl Quarantine {
    /// Lines that could not be read, in order of arrival. A line is no turn: with `minOffset` the answer is as of the time it is
    /// given, once the market has come so far.
    #[graphql(complexity = "100 + page::size(first, last) * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "what a connection takes")]
    async fn quarantine(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "May be left out where there is one only.")] market: Option<String>,
        #[graphql(desc = "Only those that were handed over again, or only those that wait; left out: all.")]
        handed_over: Option<bool>,
        #[graphql(desc = "At most so many, from the start; 20 if nothing is said, 200 at most.")] first: Option<i64>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many, from the end.")] last: Option<i64>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "The answer knows of this turn.")] min_offset: Option<Offset>,
    ) -> Result<QuarantineResult> {
        let slice = page::slice::<u64>(first, after, last, before)?;
        let reading = match ask::reading(ctx, market.as_deref(), Concern::All)? {
            Ok(reading) => reading,
            Err(why) => return Ok(QuarantineResult::from(Err(why))),
        };
        if let Err(why) = reading.view(min_offset.map(|offset| offset.0), |_| ()).await {
            return Ok(Err(ask::not_read(&reading, why)).into());
        }
        let folder = reading.spec().folder.join("quarantine");
        let asked = slice.clone();
        let found = beside(&reading, move || {
            let kept = if folder.is_dir() { list(&folder)?.entries } else { Vec::new() };
            let within = |entry: &Entry| {
                asked.after.is_none_or(|after| entry.id.0 > after)
                    && asked.before.is_none_or(|before| entry.id.0 < before)
            };
            let mut entries: Vec<Entry> = kept.into_iter().filter(within).collect();
            if asked.last {
                entries.reverse();
            }
            let placed = entries.into_iter().map(|entry| Ok((entry.id.0, entry)));
            Page::collect(placed, &asked, |entry: &Entry| {
                handed_over.is_none_or(|over| over == entry.handed_over.is_some())
            })
        });
        Ok(found.await?.map(|found| page::connection(&slice, found, Quarantined::from)).into())
    }
}
