//! What is different between two schemas, and whether a client of the old one would break.
//!
//! A schema is taken apart into named parts: types, fields, arguments, values, members. A part that is gone breaks; a new one
//! breaks if it has to be given; a changed one breaks if the new type says less than the old (output) or wants more (input).
//! New values of enums and new members of unions are what clients are told to expect.

use std::collections::BTreeMap;
use std::fmt;

use async_graphql::parser::types::{BaseType, InputValueDefinition, Type, TypeKind, TypeSystemDefinition};
use async_graphql::parser::{Error, parse_schema};

/// A difference between two schemas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The part, such as `Mutation.requestRide(key:)`.
    pub part: String,
    /// What is different.
    pub what: What,
}

/// How a part is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It is gone.
    Removed,
    /// It is new.
    Added {
        /// Clients have to give it.
        required: bool,
    },
    /// It is of another type.
    Changed {
        /// What it was.
        from: String,
        /// What it is.
        to: String,
        /// Clients of the old one go on.
        compatible: bool,
    },
}

impl Change {
    /// Whether a client of the old schema would break.
    pub fn is_breaking(&self) -> bool {
        match self.what {
            What::Removed => true,
            What::Added { required } => required,
            What::Changed { compatible, .. } => !compatible,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_breaking() { "BREAKING" } else { "additive" };
        match &self.what {
            What::Removed => write!(f, "{kind}: {} is gone", self.part),
            What::Added { required: true } => write!(f, "{kind}: {} is new, and has to be given", self.part),
            What::Added { required: false } => write!(f, "{kind}: {} is new", self.part),
            What::Changed { from, to, .. } => write!(f, "{kind}: {} was {from}, is {to}", self.part),
        }
    }
}

/// A part of a schema.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// It is there, as one of these.
    Is(&'static str),
    /// A client gets it.
    Output(Type),
    /// A client gives it; it may leave it out if there is a default.
    Input(Type, bool),
}

impl Part {
    fn is_required(&self) -> bool {
        matches!(self, Self::Input(of, false) if !of.nullable)
    }

    /// Whether who knows `self` can go on with `new`.
    fn allows(&self, new: &Self) -> bool {
        match (self, new) {
            (Self::Is(old), Self::Is(new)) => old == new,
            (Self::Output(old), Self::Output(new)) => is_within(new, old),
            (Self::Input(old, _), Self::Input(new, default)) => {
                is_within(old, new) || (*default && is_within(old, &Type { nullable: true, ..new.clone() }))
            }
            _ => false,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(what) => f.write_str(what),
            Self::Output(of) | Self::Input(of, _) => write!(f, "{of}"),
        }
    }
}

/// Whether every value of `narrow` is one of `wide`.
fn is_within(narrow: &Type, wide: &Type) -> bool {
    let base = match (&narrow.base, &wide.base) {
        (BaseType::Named(narrow), BaseType::Named(wide)) => narrow == wide,
        (BaseType::List(narrow), BaseType::List(wide)) => is_within(narrow, wide),
        _ => false,
    };
    base && (wide.nullable || !narrow.nullable)
}

/// What is different in `new`, in order of the parts' names.
pub fn between(old: &str, new: &str) -> Result<Vec<Change>, Error> {
    let (old, new) = (parts(old)?, parts(new)?);
    let mut changes = Vec::new();
    for (name, part) in &old {
        let what = match new.get(name) {
            None => What::Removed,
            Some(now) if now == part => continue,
            Some(now) => What::Changed { from: part.to_string(), to: now.to_string(), compatible: part.allows(now) },
        };
        changes.push(Change { part: name.clone(), what });
    }
    for (name, part) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
        // An argument of a new field asks nothing of those who do not know the field.
        let owner = name.split(['.', '(']).next().unwrap_or_default();
        let field = name.split('(').next().filter(|field| *field != name.as_str());
        let known = old.contains_key(owner) && field.is_none_or(|field| old.contains_key(field));
        let what = What::Added { required: known && part.is_required() };
        changes.push(Change { part: name.clone(), what });
    }
    changes.sort_by(|a, b| a.part.cmp(&b.part));
    Ok(changes)
}

fn parts(sdl: &str) -> Result<BTreeMap<String, Part>, Error> {
    let mut parts = BTreeMap::new();
    for definition in parse_schema(sdl)?.definitions {
        let TypeSystemDefinition::Type(defined) = definition else { continue };
        let name = defined.node.name.node.to_string();
        let mut add = |part: String, is: Part| parts.insert(part, is);
        match defined.node.kind {
            TypeKind::Scalar => _ = add(name, Part::Is("a scalar")),
            TypeKind::Object(_) | TypeKind::Interface(_) => {
                let (what, implements, fields) = match defined.node.kind {
                    TypeKind::Object(object) => ("an object", object.implements, object.fields),
                    TypeKind::Interface(interface) => ("an interface", interface.implements, interface.fields),
                    _ => continue,
                };
                for of in implements {
                    add(format!("{name} implements {}", of.node), Part::Is("implemented"));
                }
                for field in fields {
                    let field = field.node;
                    let path = format!("{name}.{}", field.name.node);
                    for argument in field.arguments {
                        add(format!("{path}({}:)", argument.node.name.node), input(argument.node));
                    }
                    add(path, Part::Output(field.ty.node));
                }
                add(name, Part::Is(what));
            }
            TypeKind::Union(union) => {
                for member in union.members {
                    add(format!("{name} | {}", member.node), Part::Is("a member"));
                }
                add(name, Part::Is("a union"));
            }
            TypeKind::Enum(values) => {
                for value in values.values {
                    add(format!("{name}.{}", value.node.value.node), Part::Is("a value"));
                }
                add(name, Part::Is("an enum"));
            }
            TypeKind::InputObject(object) => {
                for field in object.fields {
                    add(format!("{name}.{}", field.node.name.node), input(field.node));
                }
                add(name, Part::Is("an input"));
            }
        }
    }
    Ok(parts)
}

fn input(of: InputValueDefinition) -> Part {
    Part::Input(of.ty.node, of.default_value.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "
        scalar Key
        enum Word { A B }
        input Ask { seats: Int, name: String! }
        interface Failure { reason: String! }
        type Late implements Failure { reason: String! after: Int }
        union Answer = Late | Done
        type Done { offset: Int! }
        type Query { ask(key: Key!, ask: Ask): Answer! }
    ";

    fn told(change: impl Fn(&str) -> String) -> Vec<String> {
        let changes = between(OLD, &change(OLD)).expect("schemas");
        changes.iter().map(ToString::to_string).collect()
    }

    fn replaced(from: &str, to: &str) -> Vec<String> {
        told(|old| old.replace(from, to))
    }

    #[test]
    fn what_a_client_relies_on_cannot_go() {
        assert_eq!(told(str::to_owned), [""; 0]);
        assert_eq!(replaced("{ A B }", "{ A }"), ["BREAKING: Word.B is gone"]);
        assert_eq!(replaced("Late | Done", "Done"), ["BREAKING: Answer | Late is gone"]);
        assert_eq!(replaced("after: Int", ""), ["BREAKING: Late.after is gone"]);
        assert_eq!(replaced("implements Failure", ""), ["BREAKING: Late implements Failure is gone"]);
        assert_eq!(replaced("seats: Int, ", ""), ["BREAKING: Ask.seats is gone"]);
        assert_eq!(replaced(", ask: Ask", ""), ["BREAKING: Query.ask(ask:) is gone"]);
        assert_eq!(
            replaced("enum Word { A B }", ""),
            ["Word", "Word.A", "Word.B"].map(|it| format!("BREAKING: {it} is gone"))
        );
        assert_eq!(
            replaced("scalar Key", "enum Key { K }"),
            ["BREAKING: Key was a scalar, is an enum", "additive: Key.K is new"]
        );
    }

    #[test]
    fn what_is_given_may_be_surer_and_what_is_asked_for_may_be_less() {
        assert_eq!(replaced("after: Int", "after: Int!"), ["additive: Late.after was Int, is Int!"]);
        assert_eq!(replaced("offset: Int!", "offset: Int"), ["BREAKING: Done.offset was Int!, is Int"]);
        assert_eq!(replaced("offset: Int!", "offset: [Int!]!"), ["BREAKING: Done.offset was Int!, is [Int!]!"]);
        assert_eq!(replaced("key: Key!", "key: Key"), ["additive: Query.ask(key:) was Key!, is Key"]);
        assert_eq!(replaced("seats: Int", "seats: Int!"), ["BREAKING: Ask.seats was Int, is Int!"]);
        assert_eq!(replaced("seats: Int", "seats: Int! = 1"), ["additive: Ask.seats was Int, is Int!"]);
    }

    #[test]
    fn what_is_new_breaks_only_what_has_to_give_it() {
        assert_eq!(replaced("{ A B }", "{ A B C }"), ["additive: Word.C is new"]);
        assert_eq!(replaced("seats: Int", "seats: Int, class: Int"), ["additive: Ask.class is new"]);
        assert_eq!(
            replaced("seats: Int", "seats: Int, class: Int!"),
            ["BREAKING: Ask.class is new, and has to be given"]
        );
        assert_eq!(replaced("key: Key!", "key: Key!, at: Int! = 0"), ["additive: Query.ask(at:) is new"]);
        assert_eq!(
            replaced("key: Key!", "key: Key!, at: Int!"),
            ["BREAKING: Query.ask(at:) is new, and has to be given"]
        );
        let field = replaced("type Query {", "type Query { more(at: Int!): Int");
        assert_eq!(field, ["additive: Query.more is new", "additive: Query.more(at:) is new"]);
    }
}
