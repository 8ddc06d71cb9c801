//! One table a record: its fields, with what they mean, give the type, the way in, the way out and the schema.

use super::field::{Field, kind};
use super::json::{Json, write_text};
use super::malformed::{Fault, Malformed, cut};

/// The values of an object's fields, in order of `names`. An object with another field is refused: what a sender meant by
/// a misspelt one would be lost in silence.
pub(super) fn fields<'v, 'a, const N: usize>(
    value: &'v Json<'a>,
    names: [&str; N],
) -> Result<[Option<&'v Json<'a>>; N], Malformed> {
    let Json::Object(given) = value else { return kind("an object", value) };
    if let Some((name, _)) = given.iter().find(|(name, _)| !names.contains(&&**name)) {
        return Err(Malformed::new(Fault::Unknown { known: names.join(", ") }).within(&cut(name)));
    }
    Ok(names.map(|name| value.get(name)))
}

/// The value of one field. `default`: what it is if it is left out.
pub(super) fn field<T: Field>(name: &str, value: Option<&Json<'_>>, default: Option<T>) -> Result<T, Malformed> {
    match value {
        Some(value) => T::read(value),
        None => default.or_else(T::absent).ok_or_else(|| Malformed::new(Fault::Missing)),
    }
    .map_err(|fault| fault.within(name))
}

/// Appends one field of an object that was opened with `{`.
pub(super) fn write_field<T: Field>(name: &str, value: &T, out: &mut Vec<u8>) {
    if !value.is_absent() {
        if out.last() != Some(&b'{') {
            out.push(b',');
        }
        write_text(name, out);
        out.push(b':');
        value.write(out);
    }
}

/// The schema of a field: that of its type, with what it means and what it is if it is left out.
pub(super) fn field_schema<T: Field>(doc: &str, default: Option<&T>) -> String {
    let mut out = Vec::new();
    write_text(doc.trim(), &mut out);
    if let Some(default) = default {
        out.extend_from_slice(b",\"default\":");
        default.write(&mut out);
    }
    let said = String::from_utf8_lossy(&out).into_owned();
    T::schema().replacen('{', &format!("{{\"description\":{said},"), 1)
}

/// Whether a field has to be there.
pub(super) fn is_required<T: Field>(default: Option<&T>) -> bool {
    default.is_none() && T::absent().is_none()
}

/// The schema of an object: what it means, and each field's name, schema and whether it has to be there.
pub(super) fn object_schema(doc: &str, fields: &[(&str, String, bool)]) -> String {
    let mut description = Vec::new();
    write_text(doc.trim(), &mut description);
    let properties: Vec<String> = fields.iter().map(|(name, schema, _)| format!("\"{name}\":{schema}")).collect();
    let required: Vec<String> =
        fields.iter().filter(|(.., required)| *required).map(|(name, ..)| format!("\"{name}\"")).collect();
    format!(
        r#"{{"description":{},"type":"object","properties":{{{}}},"required":[{}],"additionalProperties":false}}"#,
        String::from_utf8_lossy(&description),
        properties.join(","),
        required.join(",")
    )
}

/// Makes a type and its [`Field`] from the table of its fields.
macro_rules! record {
    (
        $(#[doc = $doc:literal])*
        $name:ident { $( $(#[doc = $about:literal])* $field:ident: $type:ty $(= $default:expr)?, )* }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $( $(#[doc = $about])* pub $field: $type, )*
        }

        impl $crate::ingest::field::Field for $name {
            fn read(
                value: &$crate::ingest::json::Json<'_>,
            ) -> Result<Self, $crate::ingest::malformed::Malformed> {
                let [$($field),*] = $crate::ingest::table::fields(value, [$(stringify!($field)),*])?;
                $(
                    let default: Option<$type> = $crate::ingest::table::record!(@default $($default)?);
                    let $field = $crate::ingest::table::field(stringify!($field), $field, default)?;
                )*
                Ok(Self { $($field),* })
            }

            fn write(&self, out: &mut Vec<u8>) {
                out.push(b'{');
                $( $crate::ingest::table::write_field(stringify!($field), &self.$field, out); )*
                out.push(b'}');
            }

            fn schema() -> String {
                let fields = [$({
                    let default: Option<$type> = $crate::ingest::table::record!(@default $($default)?);
                    let default = default.as_ref();
                    let schema = $crate::ingest::table::field_schema(concat!($($about),*), default);
                    (stringify!($field), schema, $crate::ingest::table::is_required(default))
                }),*];
                $crate::ingest::table::object_schema(concat!($($doc),*), &fields)
            }
        }
    };
    (@default) => { None };
    (@default $default:expr) => { Some($default) };
}

/// Makes the enum of all records of one kind from the table of their types.
macro_rules! kinds {
    (
        $(#[doc = $doc:literal])*
        $name:ident: $prefix:literal { $( $variant:ident = $kind:literal, )* }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $( #[doc = concat!("`", $prefix, $kind, "`")] $variant($variant), )*
        }

        impl $name {
            /// The types of these records, as in the attribute `type` of a line.
            pub const KINDS: &'static [&'static str] = &[$(concat!($prefix, $kind)),*];

            /// Its type, as in the attribute `type` of a line.
            pub const fn kind(&self) -> &'static str {
                match self {
                    $( Self::$variant(_) => concat!($prefix, $kind), )*
                }
            }

            /// The record of this type that `data` is; `None`: there is no such type.
            pub(in crate::ingest) fn read(
                kind: &str,
                data: &$crate::ingest::json::Json<'_>,
            ) -> Option<Result<Self, $crate::ingest::malformed::Malformed>> {
                match kind {
                    $( concat!($prefix, $kind) => {
                        Some(<$variant as $crate::ingest::field::Field>::read(data).map(Self::$variant))
                    } )*
                    _ => None,
                }
            }

            /// Appends the record's data as JSON.
            pub(in crate::ingest) fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $( Self::$variant(data) => $crate::ingest::field::Field::write(data, out), )*
                }
            }

            /// Each type with the schema of its data.
            pub(in crate::ingest) fn schemas() -> Vec<(&'static str, String)> {
                vec![$( (concat!($prefix, $kind), <$variant as $crate::ingest::field::Field>::schema()) ),*]
            }
        }
    };
}

pub(super) use {kinds, record};
