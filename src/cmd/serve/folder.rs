//! Folders of market files that are watched: what came, changed and went since the last look.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The folders that are watched, and the files in them as they were when they were looked at last.
#[derive(Debug)]
pub struct Folders {
    folders: Vec<PathBuf>,
    known: BTreeMap<PathBuf, Known>,
}

#[derive(Debug)]
struct Known {
    text: Vec<u8>,
    /// It was not there at the last look: whoever writes a file may remove it for a moment.
    is_missing: bool,
}

/// What became of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new, or says something else.
    Came(PathBuf),
    /// It is gone.
    Went(PathBuf),
}

impl Folders {
    /// Those of `paths` that are folders; the others stay there.
    pub fn of(paths: &mut Vec<PathBuf>) -> Self {
        Self { folders: paths.extract_if(.., |path| path.is_dir()).collect(), known: BTreeMap::new() }
    }

    /// What came, changed and went since the last look; gone is what was not there twice. Nothing is known if a folder cannot
    /// be read.
    pub fn look(&mut self) -> Result<Vec<Change>, Error> {
        let mut there = BTreeMap::new();
        for folder in &self.folders {
            for path in files(folder)? {
                // It may go at any moment.
                if let Ok(text) = fs::read(&path) {
                    there.insert(path, text);
                }
            }
        }
        let mut changes = Vec::new();
        self.known.retain(|path, known| {
            let stays = there.contains_key(path) || !std::mem::replace(&mut known.is_missing, true);
            if !stays {
                changes.push(Change::Went(path.clone()));
            }
            stays
        });
        for (path, text) in there {
            let is_same = self.known.get(&path).is_some_and(|known| known.text == text);
            if !is_same {
                changes.push(Change::Came(path.clone()));
            }
            self.known.insert(path, Known { text, is_missing: false });
        }
        Ok(changes)
    }
}

/// The market files in a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(Error::reading(folder))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()).map_err(Error::reading(folder)));
    let market = |path: &Result<PathBuf, Error>| {
        path.as_ref().map_or(true, |path| path.extension().is_some_and(|kind| kind == "toml"))
    };
    paths.filter(market).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_changed_and_went_is_told_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let (town, notes) = (folder.path().join("town.toml"), folder.path().join("notes.txt"));
        let mut paths = vec![folder.path().to_owned(), town.clone()];
        let mut folders = Folders::of(&mut paths);
        assert_eq!(paths, std::slice::from_ref(&town));
        let mut look = || folders.look().expect("it reads");
        assert_eq!(look(), []);
        fs::write(&town, "a").expect("it writes");
        fs::write(notes, "a").expect("it writes");
        assert_eq!((look(), look()), (vec![Change::Came(town.clone())], vec![]));
        fs::write(&town, "b").expect("it writes");
        assert_eq!((look(), look()), (vec![Change::Came(town.clone())], vec![]));
        // As by a program that writes it anew.
        fs::remove_file(&town).expect("it is there");
        assert_eq!(look(), []);
        fs::write(&town, "b").expect("it writes");
        assert_eq!(look(), []);
        fs::remove_file(&town).expect("it is there");
        assert_eq!((look(), look(), look()), (vec![], vec![Change::Went(town)], vec![]));
    }
}
