//! `SQLite` by rusqlite, bundled: a B-tree with a log written ahead.

use std::path::Path;

use rusqlite::{Connection, params};

use super::{Row, Store};

pub struct Sqlite(Connection);

impl Store for Sqlite {
    const NAME: &'static str = "sqlite";

    fn create(folder: &Path) -> Self {
        let connection = Connection::open(folder.join("history.db")).expect("a disk");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA cache_size = -65536;
                 CREATE TABLE IF NOT EXISTS rides (ride INTEGER PRIMARY KEY, row BLOB NOT NULL);
                 CREATE TABLE IF NOT EXISTS figures (ride INTEGER PRIMARY KEY, row BLOB NOT NULL);
                 CREATE TABLE IF NOT EXISTS by_rider (rider TEXT, ride INTEGER, PRIMARY KEY (rider, ride)) WITHOUT ROWID;
                 CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER);",
            )
            .expect("a disk");
        Self(connection)
    }

    fn open(folder: &Path) -> Self {
        Self::create(folder)
    }

    fn write(&mut self, rows: &[Row], next: u64, sync: bool) {
        self.0.pragma_update(None, "synchronous", if sync { "FULL" } else { "OFF" }).expect("a setting");
        let write = self.0.transaction().expect("a disk");
        {
            let mut rides = write.prepare_cached("INSERT OR REPLACE INTO rides VALUES (?, ?)").expect("SQL");
            let mut figures = write.prepare_cached("INSERT OR REPLACE INTO figures VALUES (?, ?)").expect("SQL");
            let mut by_rider = write.prepare_cached("INSERT INTO by_rider VALUES (?, ?)").expect("SQL");
            for row in rows {
                rides.execute(params![row.ride, row.bytes]).expect("a disk");
                figures.execute(params![row.ride, row.figure]).expect("a disk");
                if row.is_new {
                    by_rider.execute(params![row.rider, row.ride]).expect("a disk");
                }
            }
            let mut meta = write.prepare_cached("INSERT OR REPLACE INTO meta VALUES ('next', ?)").expect("SQL");
            meta.execute(params![next as i64]).expect("a disk");
        }
        write.commit().expect("a disk");
    }

    fn get(&self, ride: u32) -> usize {
        let mut query = self.0.prepare_cached("SELECT row FROM rides WHERE ride = ?").expect("SQL");
        query.query_row(params![ride], |row| Ok(row.get_ref(0)?.as_blob()?.len())).unwrap_or(0)
    }

    fn page(&self, rider: &str, limit: usize) -> usize {
        let mut query = self
            .0
            .prepare_cached("SELECT row FROM by_rider JOIN rides USING (ride) WHERE rider = ? ORDER BY ride LIMIT ?")
            .expect("SQL");
        let rows = query.query_map(params![rider, limit as i64], |row| Ok(row.get_ref(0)?.as_blob()?.len()));
        rows.expect("SQL").map(|row| row.expect("a disk")).sum()
    }

    fn scan(&self, from: u32, until: u32) -> u64 {
        let mut query = self.0.prepare_cached("SELECT row FROM figures WHERE ride >= ? AND ride < ?").expect("SQL");
        let rows = query.query_map(params![from, until], |row| Ok(u64::from(row.get_ref(0)?.as_blob()?[0])));
        rows.expect("SQL").map(|row| row.expect("a disk")).sum()
    }
}
