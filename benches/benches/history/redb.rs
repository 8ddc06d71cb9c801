//! redb: a B-tree of pages that are copied when they change, in one file.

use std::path::Path;

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use super::{Row, Store};

const RIDES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("rides");
const FIGURES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("figures");
const BY_RIDER: TableDefinition<'_, (&str, u32), ()> = TableDefinition::new("by_rider");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

pub struct Redb(Database);

impl Store for Redb {
    const NAME: &'static str = "redb";

    fn create(folder: &Path) -> Self {
        Self(Database::builder().set_cache_size(64 << 20).create(folder.join("history.redb")).expect("a disk"))
    }

    fn open(folder: &Path) -> Self {
        Self(Database::builder().set_cache_size(64 << 20).open(folder.join("history.redb")).expect("a disk"))
    }

    fn write(&mut self, rows: &[Row], next: u64, sync: bool) {
        let mut write = self.0.begin_write().expect("a disk");
        write.set_durability(if sync { Durability::Immediate } else { Durability::None }).expect("no savepoint");
        {
            let mut rides = write.open_table(RIDES).expect("a table");
            let mut figures = write.open_table(FIGURES).expect("a table");
            let mut by_rider = write.open_table(BY_RIDER).expect("a table");
            for row in rows {
                rides.insert(row.ride, row.bytes.as_slice()).expect("a disk");
                figures.insert(row.ride, row.figure.as_slice()).expect("a disk");
                if row.is_new {
                    by_rider.insert((row.rider.as_str(), row.ride), ()).expect("a disk");
                }
            }
            write.open_table(META).expect("a table").insert("next", next).expect("a disk");
        }
        write.commit().expect("a disk");
    }

    fn get(&self, ride: u32) -> usize {
        let read = self.0.begin_read().expect("a disk");
        let row = read.open_table(RIDES).expect("a table").get(ride).expect("a disk");
        row.map_or(0, |row| row.value().len())
    }

    fn page(&self, rider: &str, limit: usize) -> usize {
        let read = self.0.begin_read().expect("a disk");
        let rides = read.open_table(RIDES).expect("a table");
        let range = read.open_table(BY_RIDER).expect("a table").range((rider, 0)..=(rider, u32::MAX)).expect("a disk");
        range
            .take(limit)
            .map(|row| {
                let number = row.expect("a disk").0.value().1;
                rides.get(number).expect("a disk").map_or(0, |row| row.value().len())
            })
            .sum()
    }

    fn scan(&self, from: u32, until: u32) -> u64 {
        let read = self.0.begin_read().expect("a disk");
        let range = read.open_table(FIGURES).expect("a table").range(from..until).expect("a disk");
        range.map(|row| u64::from(row.expect("a disk").1.value()[0])).sum()
    }
}
