//! Lines that are almost orders: each was meant to be one, and something happened to it.

use serde_json::{Value, json};

use crate::serve::{order, place};

/// What can happen to a line, and the code of the answer.
pub struct Kind {
    pub what: &'static str,
    pub code: &'static str,
    spoil: fn(&Value) -> Vec<u8>,
}

/// A bad line.
pub struct Garbage {
    pub kind: &'static Kind,
    pub bytes: Vec<u8>,
    /// What its sender meant.
    pub meant: Value,
}

pub const A_POSITION: &str = "a position among orders";

impl Garbage {
    /// The bad line of this number. All kinds come by turns; each was meant to be an order for a ride of a rider of its own.
    pub fn new(number: usize) -> Self {
        let kind = &KINDS[number % KINDS.len()];
        let node = number as u32;
        let data = json!({
            "rider": format!("g{number}"), "pickup": place(11 * node % 200), "dropoff": place((17 * node + 60) % 200), "seats": 1,
        });
        let meant = order(1_000_000 + number as u64, "request_ride", &data);
        Self { kind, bytes: (kind.spoil)(&meant), meant }
    }
}

const fn kind(what: &'static str, code: &'static str, spoil: fn(&Value) -> Vec<u8>) -> Kind {
    Kind { what, code, spoil }
}

fn bytes(line: &Value) -> Vec<u8> {
    line.to_string().into_bytes()
}

/// The line with another value at a place.
fn with(line: &Value, pointer: &str, value: Value) -> Vec<u8> {
    let mut line = line.clone();
    *line.pointer_mut(pointer).expect("it is there") = value;
    bytes(&line)
}

fn without(line: &Value, name: &str) -> Vec<u8> {
    let mut line = line.clone();
    line.as_object_mut().expect("an object").remove(name).expect("it is there");
    bytes(&line)
}

/// The line's text with a piece of it replaced.
fn replaced(line: &Value, from: &str, to: &[u8]) -> Vec<u8> {
    let text = line.to_string();
    let at = text.find(from).expect("it is there");
    [&text.as_bytes()[..at], to, &text.as_bytes()[at + from.len()..]].concat()
}

pub const KINDS: [Kind; 25] = [
    kind("its end is missing", "E0902", |line| bytes(line)[..line.to_string().len() - 9].to_vec()),
    kind("its start is missing", "E0902", |line| bytes(line)[9..].to_vec()),
    kind("a byte that no text has", "E0902", |line| replaced(line, "\"g", b"\"\xff")),
    kind("half a letter", "E0902", |line| replaced(line, "\"g", b"\"\xc3")),
    kind("a control character in a text", "E0902", |line| replaced(line, "\"g", b"\"\0")),
    kind("two bytes a letter", "E0902", |line| line.to_string().encode_utf16().flat_map(u16::to_le_bytes).collect()),
    kind("two orders on a line", "E0902", |line| [bytes(line), bytes(line)].concat()),
    kind("a number that is none", "E0902", |line| replaced(line, "\"seats\":1", b"\"seats\":NaN")),
    kind("a field twice", "E0902", |line| replaced(line, "\"seats\":1", b"\"seats\":1,\"seats\":2")),
    kind("lists in lists", "E0902", |_| vec![b'['; 30_000]),
    kind("longer than any record", "E0901", |line| with(line, "/source", "s".repeat(33 << 10).into())),
    kind("a list of orders", "E0905", |line| bytes(&json!([line]))),
    kind("no type", "E0903", |line| without(line, "type")),
    kind("no data", "E0903", |line| without(line, "data")),
    kind("a field that nobody knows", "E0904", |line| replaced(line, "\"seats\"", b"\"colour\"")),
    kind("seats in words", "E0905", |line| with(line, "/data/seats", "one".into())),
    kind("a place in words", "E0905", |line| with(line, "/data/pickup", "the station".into())),
    kind("a version to come", "E0906", |line| with(line, "/specversion", "2.0".into())),
    kind("a type to come", "E0907", |line| with(line, "/type", "hansom.command.request_ride.v2".into())),
    kind("a latitude beyond the pole", "E0906", |line| with(line, "/data/pickup/lat", 91.into())),
    kind("a longitude beyond the date line", "E0906", |line| with(line, "/data/dropoff/lon", json!(-180.5))),
    kind("a key that is none", "E0906", |line| with(line, "/id", "7".into())),
    kind("a name without letters", "E0906", |line| with(line, "/data/rider", "".into())),
    kind("seats for a town", "E0906", |line| with(line, "/data/seats", 300.into())),
    kind(A_POSITION, "E0907", |line| {
        let position = json!({ "driver": "d1", "seq": 1, "place": line["data"]["pickup"] });
        let mut line = line.clone();
        line["type"] = "hansom.location.v1".into();
        line["data"] = position;
        bytes(&line)
    }),
];
