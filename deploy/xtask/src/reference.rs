//! What is written from the code: the schemas of the wire in `docs/schemas`, and of GraphQL in `api/schema.graphql`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::expected::Mode;
use crate::shell::{self, Failure, Result, cargo};

const FOLDER: &str = "docs/schemas";
const GRAPHQL: &str = "api/schema.graphql";

/// Writes the schema of GraphQL, unless clients would break and may not; or says how it differs from what the code says.
pub fn graphql(root: &Path, what: &[&str]) -> Result<()> {
    let run = ["run", "--quiet", "--locked", "--package", "hansom-api", "--example", "schema", "--", what[0], GRAPHQL];
    shell::step("schema of GraphQL", cargo(root, &[&run, &what[1..]].concat()))
}

/// Writes the schemas, or says which of them are not what the code says.
pub fn run(root: &Path, mode: Mode) -> Result<()> {
    let written = match mode {
        Mode::Rewrite => root.join(FOLDER),
        Mode::Compare => root.join("target/xtask-schemas"),
    };
    let folder = written.to_string_lossy();
    let write = ["run", "--quiet", "--locked", "--package", "hansom-market", "--example", "schemas", "--", &folder];
    shell::step("schemas", cargo(root, &write))?;
    if mode == Mode::Rewrite {
        return Ok(());
    }
    let (wanted, found) = (files(&written)?, files(&root.join(FOLDER))?);
    let all: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
    let stale: Vec<&str> =
        all.into_iter().filter(|name| wanted.get(*name) != found.get(*name)).map(String::as_str).collect();
    if stale.is_empty() {
        return Ok(());
    }
    Err(Failure(format!("{FOLDER} is not what the code says; run `cargo xtask gen`: {}", stale.join(", "))))
}

/// The files of a folder with their texts.
fn files(folder: &Path) -> Result<BTreeMap<String, String>> {
    let failed = |error| Failure(format!("cannot list {}: {error}", folder.display()));
    let mut files = BTreeMap::new();
    for entry in folder.read_dir().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        files.insert(entry.file_name().to_string_lossy().into_owned(), shell::read(&entry.path())?);
    }
    Ok(files)
}
