//! The folder of a run: it never holds the files of two.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use hansom_market::log;

/// What a run leaves beside its log and its scenario. The summary, which says that a run came to its end here, is the last
/// to go.
const FILES: [&str; 5] = ["report.html", "quarantine.csv", "trips.csv", "vehicles.csv", "summary.json"];

/// Takes away what an earlier run left in `folder`, be it finished or not.
///
/// A log that no summary tells of, and that is whole or of a market that was served, stays: whoever starts a log finds it.
pub(crate) fn make_room(folder: &Path) -> io::Result<()> {
    let log = folder.join("log");
    let is_run = folder.join("summary.json").is_file() || log::is_unfinished(&log).map_err(io::Error::other)?;
    if !is_run {
        return Ok(());
    }
    let entries = match fs::read_dir(&log) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>()?,
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let segments =
        entries.into_iter().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "seg"));
    for path in segments.chain(FILES.iter().map(|name| folder.join(name))) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
