//! The published description of the wire: a JSON Schema a type of record, and a page of AsyncAPI 3 over all of them.

use super::event::Fact;
use super::field::Field as _;
use super::json::{Json, write_text};
use super::location::{LOCATION_KIND, Position};
use super::order::Body;
use hansom_engine::{Key, Name};
use hansom_geo_index::Millis;
use std::fmt::Write as _;

/// The files of the published description: their names in the folder, and their texts.
pub fn files() -> Vec<(String, String)> {
    let orders = Body::schemas();
    let locations = vec![(LOCATION_KIND, Position::schema())];
    let facts = Fact::schemas();
    let page = asyncapi(&[&orders, &locations, &facts]);
    let lines = |records: Vec<(&'static str, String)>, id: String, more: &'static str| {
        records.into_iter().map(move |(kind, data)| (format!("{kind}.json"), pretty(&line(kind, &data, &id, more))))
    };
    let label = r#"{"type":"string","minLength":1,"maxLength":128}"#.to_owned();
    lines(orders, Key::schema(), "")
        .chain(lines(locations, label.clone(), ""))
        .chain(lines(facts, label, OFFSET))
        .chain([("asyncapi.yaml".to_owned(), page)])
        .collect()
}

/// The attribute that facts have beyond those of every line.
const OFFSET: &str = r#""offset":{"description":"The turn in the market's log; text, as a number here has 32 bits","type":"string","pattern":"^[0-9]{1,20}$"},"#;

/// The schema of a whole line.
fn line(kind: &str, data: &str, id: &str, more: &str) -> String {
    let required: &str = if more.is_empty() { "" } else { r#","time","market","offset""# };
    let (time, market) = (Millis::schema(), Name::schema());
    format!(
        r#"{{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"{kind}.json","title":"{kind}","type":"object","properties":{{"specversion":{{"const":"1.0"}},"id":{id},"source":{{"type":"string","minLength":1,"maxLength":128}},"type":{{"const":"{kind}"}},"time":{time},"market":{market},{more}"datacontenttype":{{"type":"string","pattern":"^application/json"}},"data":{data}}},"required":["specversion","id","source","type","data"{required}]}}"#
    )
}

/// A route of the HTTP edge: name, path, what it is for, and which way records go.
const CHANNELS: [(&str, &str, &str, &str); 3] = [
    (
        "commands",
        "/v1/commands",
        "Orders, one a line, gzip or zstd; each is answered by a line when it is durable",
        "receive",
    ),
    (
        "locations",
        "/v1/locations",
        "Positions, one a line, gzip or zstd; each is answered by a line when it is received",
        "receive",
    ),
    ("events", "/v1/events", "What a market releases, as server-sent events; their id is the offset", "send"),
];

/// The page over all records, in the order of [`CHANNELS`].
fn asyncapi(records: &[&[(&'static str, String)]; 3]) -> String {
    let channel = |(name, path, about, _): (&str, &str, &str, &str), records: &[(&str, String)]| {
        let message = |(kind, _): &(&str, String)| format!(r##""{kind}":{{"$ref":"#/components/messages/{kind}"}}"##);
        let messages: Vec<String> = records.iter().map(message).collect();
        format!(r#""{name}":{{"address":"{path}","description":"{about}","messages":{{{}}}}}"#, messages.join(","))
    };
    let operation = |(name, _, about, action): (&str, &str, &str, &str)| {
        format!(r##""{name}":{{"action":"{action}","summary":"{about}","channel":{{"$ref":"#/channels/{name}"}}}}"##)
    };
    let message = |(kind, _): &(&str, String)| {
        format!(
            r#""{kind}":{{"name":"{kind}","contentType":"application/cloudevents+json","payload":{{"$ref":"./{kind}.json"}}}}"#
        )
    };
    let channels: Vec<String> = CHANNELS.into_iter().zip(records).map(|(it, records)| channel(it, records)).collect();
    let messages: Vec<String> = records.iter().copied().flatten().map(message).collect();
    let text = format!(
        r#"{{"asyncapi":"3.0.0","info":{{"title":"Hansom","version":"1","description":"A market's edge: records are CloudEvents 1.0 in JSON, one a line. Times are RFC 3339, places are degrees (WGS84), amounts are minor units."}},"channels":{{{}}},"operations":{{{}}},"components":{{"messages":{{{}}}}}}}"#,
        channels.join(","),
        CHANNELS.map(operation).join(","),
        messages.join(",")
    );
    let mut out = "# Written by `cargo xtask gen`.\n".to_owned();
    yaml(&parsed(&text), 0, &mut out);
    out
}

fn parsed(text: &str) -> Json<'_> {
    Json::parse(text.as_bytes()).expect("what is built here is JSON")
}

/// A text of JSON with a line for each value.
fn pretty(text: &str) -> String {
    let mut out = String::new();
    block(&parsed(text), 0, &mut out);
    out.push('\n');
    out
}

fn block(value: &Json<'_>, depth: usize, out: &mut String) {
    let line =
        |out: &mut String, depth: usize| out.extend(std::iter::once("\n").chain(std::iter::repeat_n("  ", depth)));
    match value {
        Json::Object(fields) if !fields.is_empty() => {
            out.push('{');
            for (index, (name, value)) in fields.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                line(out, depth + 1);
                out.push_str(&quoted(name));
                out.push_str(": ");
                block(value, depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
        Json::List(items) if items.iter().any(|item| matches!(item, Json::Object(_))) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                line(out, depth + 1);
                block(item, depth + 1, out);
            }
            line(out, depth);
            out.push(']');
        }
        other => out.push_str(&flat(other)),
    }
}

/// Objects as indented mappings; all else as JSON, which YAML reads too.
fn yaml(value: &Json<'_>, depth: usize, out: &mut String) {
    let Json::Object(fields) = value else { return };
    for (name, value) in fields {
        out.extend(std::iter::repeat_n("  ", depth));
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte));
        out.push_str(&if plain { name.to_string() } else { quoted(name) });
        match value {
            Json::Object(_) => {
                out.push_str(":\n");
                yaml(value, depth + 1, out);
            }
            other => {
                let _ = writeln!(out, ": {}", flat(other));
            }
        }
    }
}

fn flat(value: &Json<'_>) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Integer(value) => value.to_string(),
        Json::Number(value) => value.to_string(),
        Json::Text(text) => quoted(text),
        Json::List(items) => format!("[{}]", items.iter().map(flat).collect::<Vec<_>>().join(", ")),
        Json::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{}: {}", quoted(name), flat(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    write_text(text, &mut out);
    String::from_utf8(out).expect("text stays text when it is quoted")
}
