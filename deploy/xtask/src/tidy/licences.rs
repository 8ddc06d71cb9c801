//! What we build from may be used: `deny.toml`, read as cargo-deny reads it, for machines that have no cargo-deny.
//!
//! Checks licences, banned crates and sources. Looks at everything that `Cargo.lock` names, for every system.

use serde_json::Value;
use toml::Table;

use super::{Fault, list};
use crate::shell::{Failure, Result};

/// Crates that `deny` (the text of `deny.toml`) does not allow.
pub fn check(deny: &str, metadata: &Value) -> Result<Vec<Fault>> {
    let deny: Table = deny.parse().map_err(|error| Failure(format!("deny.toml: {error}")))?;
    let licences = strings(&deny, "licenses", "allow");
    let sources = strings(&deny, "sources", "allow-registry");
    let banned = |name: &str| {
        let bans = deny.get("bans").and_then(|bans| bans.get("deny")).and_then(toml::Value::as_array);
        let ban = bans?.iter().find(|ban| ban.get("crate").and_then(toml::Value::as_str) == Some(name))?;
        let wrappers = ban.get("wrappers").and_then(toml::Value::as_array);
        let wrapped = |user: &str| wrappers.into_iter().flatten().any(|wrapper| wrapper.as_str() == Some(user));
        if wrappers.is_some() && users(metadata, name).iter().all(|user| wrapped(user)) {
            return None;
        }
        Some(ban.get("reason").and_then(toml::Value::as_str).unwrap_or("it is banned").to_owned())
    };
    let mut faults = Vec::new();
    for package in list(metadata, "packages") {
        let text = |key: &str| package[key].as_str();
        let (name, version) = (text("name").unwrap_or_default(), text("version").unwrap_or_default());
        let mut fault = |what: String| {
            faults.push(Fault { file: "Cargo.lock".into(), line: 0, what: format!("{name} {version}: {what}") });
        };
        match text("license") {
            None => fault("it names no licence".into()),
            Some(licence) if !allowed(licence, &licences) => fault(format!("{licence} is not allowed by deny.toml")),
            Some(_) => {}
        }
        if let Some(source) = text("source") {
            let address = source.strip_prefix("registry+");
            if !address.is_some_and(|address| sources.iter().any(|allowed| allowed == address)) {
                fault(format!("it comes from {source}"));
            }
        }
        if let Some(reason) = banned(name) {
            fault(reason);
        }
    }
    Ok(faults)
}

/// The packages that are built with `name`, whatever for.
fn users<'a>(metadata: &'a Value, name: &str) -> Vec<&'a str> {
    let nodes = || list(&metadata["resolve"], "nodes");
    let names = |id: &Value| list(metadata, "packages").find(|package| package["id"] == *id)?["name"].as_str();
    let uses = |node: &&Value| list(node, "deps").any(|used| names(&used["pkg"]) == Some(name));
    nodes().filter(uses).filter_map(|node| names(&node["id"])).collect()
}

fn strings(table: &Table, section: &str, key: &str) -> Vec<String> {
    let list = table.get(section).and_then(|section| section.get(key)).and_then(toml::Value::as_array);
    list.into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

/// Whether an SPDX expression can be met by the licences in `allowed`: `AND` binds closer than `OR`; `/` is an old `OR`.
fn allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let met = any(&mut words, allowed);
    met && words.next().is_none()
}

type Words<'a, 'b> = &'a mut std::iter::Peekable<std::str::SplitWhitespace<'b>>;

fn any(words: Words, allowed: &[String]) -> bool {
    let mut met = all(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= all(words, allowed);
    }
    met
}

fn all(words: Words, allowed: &[String]) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: Words, allowed: &[String]) -> bool {
    if words.next_if_eq(&"(").is_some() {
        let met = any(words, allowed);
        return words.next_if_eq(&")").is_some() && met;
    }
    let Some(licence) = words.next() else { return false };
    let exception = words.next_if_eq(&"WITH").and_then(|_| words.next());
    let name = exception.map_or(licence.to_owned(), |exception| format!("{licence} WITH {exception}"));
    allowed.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn expressions_are_met_by_what_is_allowed() {
        let list = ["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        for met in [
            "MIT",
            "MIT/GPL-3.0",
            "GPL-3.0 OR MIT",
            "(GPL-3.0 OR MIT) AND Unicode-3.0",
            "GPL-3.0 AND BSD-3-Clause OR MIT",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(allowed(met, &list), "{met}");
        }
        for unmet in ["", "GPL-3.0", "MIT AND GPL-3.0", "Apache-2.0", "(MIT", "MIT GPL-3.0", "MIT AND (GPL-3.0 OR X)"] {
            assert!(!allowed(unmet, &list), "{unmet}");
        }
    }

    #[test]
    fn licences_sources_and_bans_are_checked() {
        let deny = "
            [licenses]
            allow = ['MIT']
            [bans]
            deny = [
                { crate = 'slow', reason = 'slow' },
                { crate = 'hidden', wrappers = ['good'], reason = 'only within good' },
                { crate = 'spread', wrappers = ['good'], reason = 'only within good' },
            ]
            [sources]
            allow-registry = ['https://a']
        ";
        let package = |name: &str, licence: Option<&str>, source: Option<&str>| json!({ "id": name, "name": name, "version": "1.0.0", "license": licence, "source": source });
        let node = |name: &str, used: &[&str]| json!({ "id": name, "deps": used.iter().map(|used| json!({ "pkg": used })).collect::<Vec<_>>() });
        let metadata = json!({ "resolve": { "nodes": [
            node("good", &["hidden", "spread"]),
            node("ours", &["good", "spread"]),
        ] }, "packages": [
            package("good", Some("MIT OR X"), Some("registry+https://a")),
            package("ours", Some("MIT"), None),
            package("bare", None, None),
            package("copyleft", Some("X"), None),
            package("forked", Some("MIT"), Some("git+https://b")),
            package("slow", Some("MIT"), None),
            package("hidden", Some("MIT"), None),
            package("spread", Some("MIT"), None),
        ] });
        let found: Vec<String> =
            check(deny, &metadata).expect("it is TOML").into_iter().map(|fault| fault.what).collect();
        let wanted = [
            "bare 1.0.0: it names no licence",
            "copyleft 1.0.0: X is not allowed by deny.toml",
            "forked 1.0.0: it comes from git+https://b",
            "slow 1.0.0: slow",
            "spread 1.0.0: only within good",
        ];
        assert_eq!(found, wanted);
    }
}
