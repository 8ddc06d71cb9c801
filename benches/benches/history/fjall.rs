//! fjall: a log-structured tree, a journal and threads that compact.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{Row, Store};

pub struct Fjall {
    database: Database,
    rides: Keyspace,
    figures: Keyspace,
    by_rider: Keyspace,
    meta: Keyspace,
}

fn rider_key(rider: &str, ride: u32) -> Vec<u8> {
    [rider.as_bytes(), &[0], &ride.to_be_bytes()].concat()
}

impl Store for Fjall {
    const NAME: &'static str = "fjall";

    fn create(folder: &Path) -> Self {
        let database = Database::builder(folder.join("history")).cache_size(64 << 20).open().expect("a disk");
        let keyspace = |name: &str| database.keyspace(name, KeyspaceCreateOptions::default).expect("a disk");
        let (rides, figures) = (keyspace("rides"), keyspace("figures"));
        let (by_rider, meta) = (keyspace("by_rider"), keyspace("meta"));
        Self { database, rides, figures, by_rider, meta }
    }

    fn open(folder: &Path) -> Self {
        Self::create(folder)
    }

    fn write(&mut self, rows: &[Row], next: u64, sync: bool) {
        let mut batch = self.database.batch();
        for row in rows {
            batch.insert(&self.rides, row.ride.to_be_bytes(), row.bytes.as_slice());
            batch.insert(&self.figures, row.ride.to_be_bytes(), row.figure.as_slice());
            if row.is_new {
                batch.insert(&self.by_rider, rider_key(&row.rider, row.ride), []);
            }
        }
        batch.insert(&self.meta, "next", next.to_be_bytes());
        batch.commit().expect("a disk");
        if sync {
            self.database.persist(PersistMode::SyncAll).expect("a disk");
        }
    }

    fn get(&self, ride: u32) -> usize {
        self.rides.get(ride.to_be_bytes()).expect("a disk").map_or(0, |row| row.len())
    }

    fn page(&self, rider: &str, limit: usize) -> usize {
        let prefix = [rider.as_bytes(), &[0]].concat();
        self.by_rider
            .prefix(prefix)
            .take(limit)
            .map(|row| {
                let key = row.key().expect("a disk");
                let number = key.last_chunk::<4>().expect("a number");
                self.rides.get(number).expect("a disk").map_or(0, |row| row.len())
            })
            .sum()
    }

    fn scan(&self, from: u32, until: u32) -> u64 {
        let range = self.figures.range(from.to_be_bytes()..until.to_be_bytes());
        range.map(|row| u64::from(row.value().expect("a disk")[0])).sum()
    }
}
