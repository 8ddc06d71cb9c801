//! The published schema, and a reader that knows nothing but it: enough of the language of `.proto` files for ours.

use std::collections::{BTreeMap, BTreeSet};

/// One field of a message.
struct FieldSpec {
    name: String,
    kind: String,
    repeated: bool,
    /// Absent is not the same as 0.
    present: bool,
    oneof: bool,
}

/// Messages by full name, each with its fields by number; enums by name, each with its numbers.
pub struct Schema {
    messages: BTreeMap<String, BTreeMap<u64, FieldSpec>>,
    enums: BTreeMap<String, BTreeSet<u64>>,
}

impl Schema {
    /// Reads a `.proto` file of one package.
    pub fn parse(text: &str) -> Self {
        let mut schema = Self { messages: BTreeMap::new(), enums: BTreeMap::new() };
        // Open blocks: their kind ("message", "enum", "oneof") and full name.
        let mut open: Vec<(&str, String)> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")) {
            let words: Vec<&str> = line.trim_end_matches([';', '{', '}']).split_whitespace().collect();
            let scope = |open: &[(&str, String)]| {
                open.iter()
                    .rev()
                    .find(|(kind, _)| *kind == "message")
                    .map_or(String::new(), |(_, name)| format!("{name}."))
            };
            match words.as_slice() {
                ["syntax", ..] | ["package", _] | [] => {}
                ["message", name] => {
                    let name = format!("{}{name}", scope(&open));
                    assert!(schema.messages.insert(name.clone(), BTreeMap::new()).is_none(), "{name} twice");
                    open.push(("message", name));
                }
                ["enum", name] => {
                    schema.enums.insert((*name).to_owned(), BTreeSet::new());
                    open.push(("enum", (*name).to_owned()));
                }
                ["oneof", name] => open.push(("oneof", (*name).to_owned())),
                [name, "=", number] => {
                    let numbers = schema.enums.get_mut(&open.last().expect("an enum").1).expect("an enum");
                    assert!(numbers.insert(number.parse().expect("a number")), "{name} twice");
                }
                [label @ .., kind, name, "=", number] => {
                    let oneof = open.last().is_some_and(|(kind, _)| *kind == "oneof");
                    let fields = schema.messages.get_mut(scope(&open).trim_end_matches('.')).expect("a message");
                    let spec = FieldSpec {
                        name: (*name).to_owned(),
                        kind: (*kind).to_owned(),
                        repeated: label == ["repeated"],
                        present: label == ["optional"] || oneof,
                        oneof,
                    };
                    assert!(fields.insert(number.parse().expect("a number"), spec).is_none(), "{name}'s number twice");
                }
                other => panic!("not understood: {other:?}"),
            }
            if line.ends_with('}') {
                open.pop();
            }
        }
        assert!(open.is_empty(), "unbalanced braces");
        schema
    }

    /// All fields, as `Message.field`.
    pub fn fields(&self) -> BTreeSet<String> {
        let named = |(message, fields): (&String, &BTreeMap<u64, FieldSpec>)| {
            fields.values().map(|field| format!("{message}.{}", field.name)).collect::<Vec<_>>()
        };
        self.messages.iter().flat_map(named).collect()
    }

    /// Reads a message by the schema alone and demands that its bytes are canonical. Adds the fields met to `met`.
    pub fn read(&self, message: &str, bytes: &[u8], met: &mut BTreeSet<String>) -> Result<(), String> {
        let fields = self.messages.get(message).ok_or_else(|| format!("no message {message}"))?;
        let mut rest = bytes;
        let mut seen = BTreeSet::new();
        let mut alternatives = 0;
        while !rest.is_empty() {
            let tag = varint(&mut rest)?;
            let (number, wire) = (tag >> 3, tag & 7);
            let spec = fields.get(&number).ok_or_else(|| format!("{message} has no field {number}"))?;
            let field = format!("{message}.{}", spec.name);
            let again = spec.repeated && !self.is_packed(spec);
            let last = seen.last().copied().unwrap_or(0);
            if number < last || (number == last && !again) {
                return Err(format!("{field} is out of order"));
            }
            seen.insert(number);
            alternatives += u32::from(spec.oneof);
            let value = match wire {
                0 => Value::Number(varint(&mut rest)?),
                2 => {
                    let length = varint(&mut rest)? as usize;
                    let (value, after) = rest.split_at_checked(length).ok_or_else(|| format!("{field} is too long"))?;
                    rest = after;
                    Value::Bytes(value)
                }
                other => return Err(format!("{field} has wire type {other}")),
            };
            self.check(message, spec, value, met).map_err(|fault| format!("{field}: {fault}"))?;
            met.insert(field);
        }
        let choices = fields.values().filter(|spec| spec.oneof).count();
        if choices > 0 && alternatives != 1 {
            return Err(format!("{message} has {alternatives} contents"));
        }
        let required =
            |spec: &FieldSpec| !spec.repeated && !spec.present && self.resolve(message, &spec.kind).is_some();
        match fields.iter().find(|(number, spec)| required(spec) && !seen.contains(number)) {
            Some((_, spec)) => Err(format!("{message} lacks {}", spec.name)),
            None => Ok(()),
        }
    }

    fn is_packed(&self, spec: &FieldSpec) -> bool {
        spec.repeated
            && (self.enums.contains_key(&spec.kind) || matches!(spec.kind.as_str(), "uint32" | "sint32" | "sint64"))
    }

    fn resolve(&self, scope: &str, kind: &str) -> Option<String> {
        let nested = format!("{scope}.{kind}");
        [nested, kind.to_owned()].into_iter().find(|name| self.messages.contains_key(name))
    }

    fn check(&self, scope: &str, spec: &FieldSpec, value: Value, met: &mut BTreeSet<String>) -> Result<(), String> {
        match (value, spec.kind.as_str()) {
            (Value::Bytes(mut column), _) if self.is_packed(spec) => {
                if column.is_empty() {
                    return Err("an empty column".to_owned());
                }
                while !column.is_empty() {
                    self.number(&spec.kind, varint(&mut column)?)?;
                }
                Ok(())
            }
            (Value::Number(0), _) if !spec.present => Err("a 0 that was to be left out".to_owned()),
            (Value::Number(number), kind) => self.number(kind, number),
            (Value::Bytes(text), "string") => match str::from_utf8(text) {
                Ok("") => Err("an empty text that was to be left out".to_owned()),
                Ok(_) => Ok(()),
                Err(fault) => Err(fault.to_string()),
            },
            (Value::Bytes(_), "bytes") => Ok(()),
            (Value::Bytes(body), kind) => match self.resolve(scope, kind) {
                Some(message) => self.read(&message, body, met),
                None => Err(format!("bytes, but a {kind}")),
            },
        }
    }

    fn number(&self, kind: &str, number: u64) -> Result<(), String> {
        let fits = match kind {
            "bool" => number == 1,
            "uint32" | "sint32" => u32::try_from(number).is_ok(),
            "uint64" | "sint64" => true,
            other => self.enums.get(other).is_some_and(|numbers| numbers.contains(&number)),
        };
        if fits { Ok(()) } else { Err(format!("{number} is no {kind}")) }
    }
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// A number in as few bytes as it takes.
fn varint(rest: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0u64;
    for (index, &byte) in rest.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            if byte == 0 && index > 0 {
                return Err("a number is longer than it has to be".to_owned());
            }
            *rest = &rest[index + 1..];
            return Ok(value);
        }
    }
    Err("a number has no end".to_owned())
}
