//! Writes the published description of the wire: `cargo run -p hansom-market --example schemas -- FOLDER`, which
//! `cargo xtask gen` does. What is in the folder and no longer described is removed.

use hansom_market::ingest::schema;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from).ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(&folder)?;
    let files: BTreeMap<String, String> = schema::files().into_iter().collect();
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        if !files.contains_key(&*entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    files.iter().try_for_each(|(name, text)| fs::write(folder.join(name), text))
}
