//! The collection of `api/operations`: whoever sends one of them, with the variables beside it, is understood.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::served::{Served, uuid};

/// Each operation by its name: its text, and the variables beside it.
fn collection() -> BTreeMap<String, (String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("operations");
    let files = fs::read_dir(&folder).expect("there are some").map(|entry| entry.expect("an entry").path());
    let operations = files.filter(|path| path.extension().is_some_and(|is| is == "graphql")).map(|path| {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        let text = fs::read_to_string(&path).expect("text");
        let variables = fs::read_to_string(path.with_extension("json")).expect("variables beside it");
        (name, (text, serde_json::from_str(&variables).expect("JSON")))
    });
    operations.collect()
}

#[test]
fn every_operation_of_the_collection_is_understood() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for (key, (name, (text, mut variables))) in (1..).zip(collection()) {
        if variables["key"] == "fresh" {
            variables["key"] = json!(uuid(key));
        }
        let kind = ["query", "mutation", "subscription"].into_iter().find(|kind| text.contains(&format!("\n{kind} ")));
        let kind = kind.unwrap_or_else(|| panic!("{name} is none of these"));
        *kinds.entry(kind).or_default() += 1;
        if kind == "subscription" {
            let mut socket = town.socket();
            socket.subscribe("s", &text, &variables);
            // Whatever is wrong with it is said before this is answered.
            socket.say(&json!({ "type": "ping" }));
            let said = socket.hear();
            // Nobody has asked for a ride yet.
            let is_unknown = said["payload"][0]["extensions"]["code"] == "UNKNOWN_RIDE";
            assert!(is_unknown || ["next", "pong"].contains(&said["type"].as_str().expect("a type")), "{name}: {said}");
        } else {
            let answer = town.ask(&text, &variables);
            let answer = answer.as_object().and_then(|data| data.values().next()).expect("one field");
            assert_ne!(answer["__typename"], "InvalidInput", "{name}: {answer}");
        }
    }
    assert_eq!(kinds, BTreeMap::from([("mutation", 12), ("query", 11), ("subscription", 3)]));
}

/// No operation is missing: each field of the schema has one.
#[test]
fn there_is_an_operation_for_whatever_can_be_asked_ordered_and_listened_to() {
    let data = tempfile::tempdir().expect("a folder");
    let town = Served::town(data.path());
    let roots = "{ __schema { queryType { fields { name } } mutationType { fields { name } } subscriptionType { fields { name } } } }";
    let schema = town.ask(roots, &json!({}))["__schema"].clone();
    let all: Vec<String> = collection().into_values().map(|(text, _)| text).collect();
    let fields = ["queryType", "mutationType", "subscriptionType"].into_iter().flat_map(|root| {
        let fields = schema[root]["fields"].as_array().expect("fields").clone();
        fields.into_iter().map(|field| field["name"].as_str().expect("a name").to_owned())
    });
    let has = |field: &String| {
        let begins = [format!("\n  {field}("), format!("\n  {field} {{")];
        all.iter().any(|text| begins.iter().any(|begin| text.contains(begin)))
    };
    let missing: Vec<String> = fields.filter(|field| !has(field)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
