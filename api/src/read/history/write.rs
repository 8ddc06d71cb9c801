//! The writer of a history.

use std::sync::Arc;

use hansom_engine::{DriverId, Turn};
use prost::Message;
use redb::{Durability, ReadableTable};

use super::fold::Fold;
use super::{BY_DRIVER, BY_REQUEST, BY_RIDER, FIGURES, History, HistoryError, META, NUMBERS, OPEN, RIDES, Reach};
use crate::read::kpi::Figure;

/// Writes the history of a market: the only one who does.
#[derive(Debug)]
pub struct Writer {
    history: Arc<History>,
    fold: Fold,
    reach: Reach,
    /// How far a loss of power would leave it.
    synced: Reach,
}

impl Writer {
    /// Goes on where the rows end.
    pub(super) fn go_on(history: Arc<History>) -> Result<Self, HistoryError> {
        let reach = history.reach()?;
        let read = history.read()?;
        let failed = |fault: redb::Error| history.failed(fault);
        let open = || -> Result<_, redb::Error> {
            let (open, rides) = (read.open_table(OPEN)?, read.open_table(RIDES)?);
            let mut rows = Vec::new();
            for ride in open.iter()? {
                let ride = ride?.0.value();
                rows.push((ride, rides.get(ride)?.map(|row| row.value().to_vec())));
            }
            let mut names = Vec::new();
            for row in read.open_table(NUMBERS)?.iter()? {
                let (number, name) = row?;
                names.push((DriverId(number.value()), name.value().to_owned()));
            }
            Ok((rows, names))
        };
        let (rows, names) = open().map_err(failed)?;
        let mut rides = Vec::with_capacity(rows.len());
        for (number, row) in rows {
            let row = row.ok_or_else(|| history.row(format!("ride {number}")))?;
            rides.push(history.ride_of(number, &row)?);
        }
        let fold = Fold::of(rides.into_iter(), names.into_iter());
        drop(read);
        Ok(Self { history, fold, reach, synced: reach })
    }

    /// How far it is.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Takes the next turn in, for the next [`write`](Self::write).
    ///
    /// # Panics
    ///
    /// If it is not the next one.
    pub fn take(&mut self, turn: &Turn) {
        assert_eq!(turn.offset.0, self.reach.next, "history gets every turn");
        self.fold.take(turn);
        self.reach = Reach { next: turn.offset.0 + 1, at_ms: turn.at.0 };
    }

    /// How many rides have to be written.
    pub fn pending(&self) -> usize {
        self.fold.changed().0.rides.len()
    }

    /// Shows what was taken in to readers. It would survive a kill of the process at some time later, or, with `sync`, a loss
    /// of power when this returns.
    pub fn write(&mut self, sync: bool) -> Result<(), HistoryError> {
        let sync = sync && self.synced != self.reach;
        if !sync && self.fold.changed().0.is_empty() {
            return Ok(());
        }
        self.rows(sync).map_err(|fault| self.history.failed(fault))?;
        self.fold.settled();
        if sync {
            self.synced = self.reach;
        }
        Ok(())
    }

    fn rows(&self, sync: bool) -> Result<(), redb::Error> {
        let (changed, known) = self.fold.changed();
        let mut write = self.history.database.begin_write()?;
        write.set_durability(if sync { Durability::Immediate } else { Durability::None })?;
        {
            let mut rides = write.open_table(RIDES)?;
            let mut figures = write.open_table(FIGURES)?;
            let mut open = write.open_table(OPEN)?;
            let mut by_rider = write.open_table(BY_RIDER)?;
            let mut by_request = write.open_table(BY_REQUEST)?;
            let mut bytes = Vec::new();
            for ride in changed.rides.iter().filter_map(|ride| known.get(ride)) {
                bytes.clear();
                // Memory grows as it is needed.
                let _ = ride.encode(&mut bytes);
                let is_new = rides.insert(ride.ride, bytes.as_slice())?.is_none();
                figures.insert(ride.ride, Figure::of(ride).encode().as_slice())?;
                if is_new {
                    by_rider.insert((ride.rider.as_str(), ride.ride), ())?;
                    if let Some(key) = ride.request_key() {
                        by_request.insert(key.0, ride.ride)?;
                    }
                }
                if !ride.is_open() {
                    open.remove(ride.ride)?;
                } else if is_new {
                    open.insert(ride.ride, ())?;
                }
            }
            let mut by_driver = write.open_table(BY_DRIVER)?;
            for (driver, ride) in &changed.taken {
                by_driver.insert((driver.as_str(), *ride), ())?;
            }
            let mut numbers = write.open_table(NUMBERS)?;
            for (number, name) in &changed.numbers {
                match name {
                    Some(name) => drop(numbers.insert(*number, name.as_str())?),
                    None => drop(numbers.remove(*number)?),
                }
            }
            write.open_table(META)?.insert("reach", self.reach.encode().as_slice())?;
        }
        write.commit()?;
        Ok(())
    }
}
