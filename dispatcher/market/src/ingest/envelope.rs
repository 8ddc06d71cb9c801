//! The attributes of CloudEvents 1.0 around a record, in JSON.

use super::field::{Field, refuse, text};
use super::json::{Json, write_text};
use super::malformed::{Fault, Malformed};
use super::table::field;
use hansom_engine::Name;
use hansom_geo_index::Millis;

/// A line has at most so many bytes: a request that blocks some hundred drivers fits.
pub const MOST_LINE_BYTES: usize = 32 << 10;

/// The attributes of one line. Those that nobody here needs, such as `traceparent`, are passed over.
#[derive(Debug)]
pub(super) struct Envelope<'v, 'a> {
    pub id: &'v str,
    pub source: &'v str,
    pub kind: &'v str,
    pub time: Option<Millis>,
    pub market: Option<Name>,
    pub data: &'v Json<'a>,
    line: &'v Json<'a>,
}

/// Reads a line: its attributes, then what `record` makes of them. A fault names the line's `id` where that can be read.
pub(super) fn read<T>(
    line: &[u8],
    record: impl FnOnce(&Envelope<'_, '_>) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    if line.len() > MOST_LINE_BYTES {
        return Err(Malformed::new(Fault::TooLong { bytes: line.len(), limit: MOST_LINE_BYTES }));
    }
    let json = Json::parse(line).map_err(|why| Malformed::new(Fault::NotJson(why)))?;
    Envelope::of(&json).and_then(|envelope| record(&envelope)).map_err(|mut malformed| {
        malformed.id = json.get("id").and_then(|id| label(id).ok()).map(Into::into);
        malformed
    })
}

impl<'v, 'a> Envelope<'v, 'a> {
    fn of(line: &'v Json<'a>) -> Result<Self, Malformed> {
        if !matches!(line, Json::Object(_)) {
            return super::field::kind("an object", line);
        }
        let within = |name| move |fault: Malformed| fault.within(name);
        let attribute = |name| line.get(name).ok_or_else(|| Malformed::new(Fault::Missing).within(name));
        let words = |name| label(attribute(name)?).map_err(within(name));
        let id = words("id")?;
        let version = text(attribute("specversion")?, "1.0").map_err(within("specversion"))?;
        if version != "1.0" {
            return refuse("1.0", version).map_err(within("specversion"));
        }
        let (source, kind) = (words("source")?, words("type")?);
        if let Some(content) = line.get("datacontenttype") {
            const JSON: &str = "application/json";
            let content = text(content, JSON).map_err(within("datacontenttype"))?;
            if content.split(';').next().map(str::trim) != Some(JSON) {
                return refuse(JSON, content).map_err(within("datacontenttype"));
            }
        }
        let time = field("time", line.get("time"), None::<Option<Millis>>)?;
        let market = field("market", line.get("market"), None::<Option<Name>>)?;
        Ok(Self { id, source, kind, time, market, data: attribute("data")?, line })
    }

    /// An attribute beyond those of every line.
    pub fn attribute<T: Field>(&self, name: &str) -> Result<T, Malformed> {
        field(name, self.line.get(name), None)
    }

    /// A type that is not taken where the line was sent.
    pub fn unknown_kind<T>(&self, known: &[&str]) -> Result<T, Malformed> {
        let found = super::malformed::cut(self.kind);
        Err(Malformed::new(Fault::Type { found, known: known.join(", ") }).within("type"))
    }
}

/// A short text without control characters.
pub(super) fn label<'v>(value: &'v Json<'_>) -> Result<&'v str, Malformed> {
    const EXPECTED: &str = "text of 1 to 128 bytes without control characters";
    let label = text(value, EXPECTED)?;
    if label.is_empty() || label.len() > 128 || label.contains(char::is_control) {
        return refuse(EXPECTED, label);
    }
    Ok(label)
}

/// What is written around a record.
#[derive(Debug)]
pub(super) struct Attributes<'v> {
    pub id: &'v str,
    pub source: &'v str,
    pub kind: &'v str,
    pub time: Option<Millis>,
    pub market: Option<&'v str>,
}

/// Appends a line, without its end. `more` appends further attributes, each with a comma before it.
pub(super) fn write(
    attributes: &Attributes<'_>,
    more: impl FnOnce(&mut Vec<u8>),
    data: impl FnOnce(&mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"{\"specversion\":\"1.0\",\"id\":");
    write_text(attributes.id, out);
    for (name, value) in [("source", Some(attributes.source)), ("type", Some(attributes.kind))]
        .into_iter()
        .chain([("market", attributes.market)])
    {
        if let Some(value) = value {
            out.push(b',');
            write_text(name, out);
            out.push(b':');
            write_text(value, out);
        }
    }
    if let Some(time) = attributes.time {
        out.extend_from_slice(b",\"time\":");
        time.write(out);
    }
    more(out);
    out.extend_from_slice(b",\"data\":");
    data(out);
    out.push(b'}');
}
