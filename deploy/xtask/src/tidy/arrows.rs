//! Dependencies between our crates run one way.

use std::path::Path;

use serde_json::Value;

use super::{Fault, list};

/// Our crates from the ground up. A crate may use those that stand in an earlier row and none of its own row or a later
/// one, not even in tests.
const ROWS: [&[&str]; 6] = [
    &["hansom-geo-index", "xtask"],
    &["hansom-engine"],
    &["hansom-market"],
    &["hansom-simulator", "hansom-kafka", "hansom-dispatcher", "hansom-faults"],
    &["hansom-api"],
    &["hansom", "hansom-benches", "hansom-fuzz"],
];

fn row(name: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&name))
}

/// Dependencies of our crates on each other that run backwards, and crates that have no row yet.
pub fn check(metadata: &Value) -> Vec<Fault> {
    let root = Path::new(metadata["workspace_root"].as_str().unwrap_or_default());
    let members: Vec<&Value> = list(metadata, "workspace_members").collect();
    let ours = list(metadata, "packages").filter(|package| members.contains(&&package["id"]));
    let mut faults = Vec::new();
    for package in ours {
        let name = package["name"].as_str().unwrap_or_default();
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let file = manifest.strip_prefix(root).unwrap_or(manifest);
        let mut fault = |what| faults.push(Fault { file: file.into(), line: 0, what });
        let Some(own) = row(name) else {
            fault(format!("{name} has no row in deploy/xtask/src/tidy/arrows.rs"));
            continue;
        };
        let used = list(package, "dependencies").filter_map(|used| used["name"].as_str());
        for used in used.filter(|used| row(used).is_some_and(|row| row >= own)) {
            fault(format!("{name} uses {used}: dependencies run the other way"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn backward_arrows_and_new_crates_are_found() {
        let package = |name: &str, uses: &[&str]| {
            let uses: Vec<Value> = uses.iter().map(|name| json!({ "name": name })).collect();
            json!({ "id": name, "name": name, "manifest_path": format!("/r/{name}/Cargo.toml"), "dependencies": uses })
        };
        let metadata = json!({
            "workspace_root": "/r",
            "workspace_members": ["hansom-engine", "hansom-market", "hansom-new"],
            "packages": [
                package("hansom-engine", &["hansom-geo-index", "hansom-market", "serde"]),
                package("hansom-market", &["hansom-engine"]),
                package("hansom-new", &[]),
                package("serde", &["hansom"]),
            ],
        });
        let found: Vec<String> = check(&metadata).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "hansom-engine/Cargo.toml: hansom-engine uses hansom-market: dependencies run the other way",
                "hansom-new/Cargo.toml: hansom-new has no row in deploy/xtask/src/tidy/arrows.rs",
            ]
        );
    }
}
