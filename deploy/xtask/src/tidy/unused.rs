//! Dependencies that nothing uses: each costs build time and a licence to read.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use toml::Table;

use super::{Fault, Page, list};
use crate::shell::{Failure, Result};

/// Dependencies of our crates whose name does not occur in the crate's code, and entries of the workspace's list (in
/// `manifest`, the text of the root's `Cargo.toml`) that no crate asks for.
pub fn check(manifest: &str, pages: &[Page], metadata: &Value) -> Result<Vec<Fault>> {
    let root = Path::new(metadata["workspace_root"].as_str().unwrap_or_default());
    let members: Vec<&Value> = list(metadata, "workspace_members").collect();
    let ours: Vec<&Value> = list(metadata, "packages").filter(|package| members.contains(&&package["id"])).collect();
    let mut faults = Vec::new();
    let mut asked: BTreeSet<&str> = BTreeSet::new();
    for package in ours {
        let path = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let file = path.strip_prefix(root).unwrap_or(path);
        let code = code(pages, root, package);
        for name in list(package, "dependencies").filter_map(|used| used["name"].as_str()) {
            asked.insert(name);
            if !code.iter().any(|text| mentions(text, &name.replace('-', "_"))) {
                let what = format!("no code of this crate uses {name}");
                faults.push(Fault { file: file.into(), line: 0, what });
            }
        }
    }
    let manifest: Table = manifest.parse().map_err(|error| Failure(format!("Cargo.toml: {error}")))?;
    let listed = manifest.get("workspace").and_then(|it| it.get("dependencies")).and_then(toml::Value::as_table);
    let unasked = listed.into_iter().flat_map(Table::keys).filter(|name| !asked.contains(name.as_str()));
    faults.extend(unasked.map(|name| Fault {
        file: "Cargo.toml".into(),
        line: 0,
        what: format!("no crate of the workspace uses {name}"),
    }));
    Ok(faults)
}

/// The code of a crate: all that lies beside or below the roots of its targets.
fn code<'a>(pages: &'a [Page], root: &Path, package: &Value) -> Vec<&'a str> {
    let roots: Vec<&Path> = list(package, "targets")
        .filter_map(|target| Path::new(target["src_path"].as_str()?).strip_prefix(root).ok()?.parent())
        .collect();
    let inside = |page: &&Page| page.is("rs") && roots.iter().any(|root| page.path.starts_with(root));
    pages.iter().filter(inside).map(|page| page.text.as_str()).collect()
}

/// Whether `name` stands in a text as a word.
fn mentions(text: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| !text[..at].ends_with(word) && !text[at + name.len()..].starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unused_dependencies_are_found() {
        let metadata = json!({
            "workspace_root": "/r",
            "workspace_members": ["a"],
            "packages": [{
                "id": "a",
                "manifest_path": "/r/a/Cargo.toml",
                "dependencies": [{ "name": "used-here" }, { "name": "used" }, { "name": "never" }],
                "targets": [{ "src_path": "/r/a/src/lib.rs" }, { "src_path": "/r/a/tests/all.rs" }],
            }],
        });
        let page = |path: &str, text: &str| Page { path: path.into(), text: text.into() };
        let pages = [
            page("a/src/deep/mod.rs", "use used_here::X;"),
            page("a/tests/all.rs", "#[used::test]"),
            page("a/tests/text.md", "never"),
            page("b/src/lib.rs", "never"),
        ];
        let manifest = "workspace.dependencies = { used-here = '1', used = '1', never = '1', nowhere = '1' }";
        let found = check(manifest, &pages, &metadata).expect("it is TOML");
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            ["a/Cargo.toml: no code of this crate uses never", "Cargo.toml: no crate of the workspace uses nowhere"]
        );
    }
}
