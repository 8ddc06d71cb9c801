//! Positions by the hundred, read where they stand.
//!
//! The library makes a value of every field of every item of a list, copies the list to look whether it may stand there, and once more to
//! hand it over: 500 positions occupied a thread of the server for milliseconds, in which nobody else was served. So a list of
//! positions among an operation's variables is read from its text at once into what it shall become, and the library sees its name
//! only. Whatever is not plainly such a list, it gets as it gets everything else, and says itself what is wrong.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::web::Bytes;
use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest};
use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::{
    Context, Extensions, InputType, InputValueError, InputValueResult, Name, Positioned, Request, Result, ServerError,
    ServerResult, Value,
};
use async_graphql_value::Value as Argument;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::code::program_fault;
use super::input::PositionInput;

/// The field that is given positions, and its argument.
const REPORT: &str = "reportPositions";
const POSITIONS: &str = "positions";
/// An operation with more lists of positions than these goes the library's way: an app sends one.
const MOST_LISTS: usize = 7;

/// Positions that an operation hands over.
#[derive(Debug)]
pub enum Positions {
    /// Read with the operation, under the name of a variable.
    Read(Bytes),
    /// As the library makes them of a value.
    Made(Vec<PositionInput>),
}

impl Positions {
    /// The positions.
    pub fn of<'a>(&'a self, ctx: &Context<'a>) -> Result<&'a [PositionInput]> {
        match self {
            Self::Made(positions) => Ok(positions),
            Self::Read(name) => {
                let lists = ctx.data_opt::<Lists>().ok_or_else(program_fault)?;
                let list = lists.0.iter().find(|list| list.name.as_bytes() == &**name).ok_or_else(program_fault)?;
                Ok(&list.positions)
            }
        }
    }
}

/// A list of positions, as the schema has it.
type Listed = Vec<PositionInput>;

impl InputType for Positions {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        Listed::type_name()
    }

    fn qualified_type_name() -> String {
        Listed::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Listed::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value {
            Some(Value::Binary(name)) => Ok(Self::Read(name)),
            value => Listed::parse(value).map(Self::Made).map_err(InputValueError::propagate),
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Read(name) => Value::Binary(name.clone()),
            Self::Made(positions) => positions.to_value(),
        }
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

/// The lists that were read with an operation.
#[derive(Debug)]
struct Lists(Vec<List>);

#[derive(Debug)]
struct List {
    /// Of the variable.
    name: Name,
    positions: Vec<PositionInput>,
    /// The same, as it was sent.
    text: Bytes,
}

/// An operation as it is sent.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Sent<'a> {
    query: String,
    operation_name: Option<String>,
    #[serde(borrow)]
    variables: Option<BTreeMap<Name, &'a RawValue>>,
    extensions: Extensions,
}

/// The operation that a body is.
pub fn operation(body: &Bytes) -> serde_json::Result<Request> {
    match read(body) {
        Some(operation) => Ok(operation),
        // As the library has it, which says what is wrong.
        None => serde_json::from_slice(body),
    }
}

fn read(body: &Bytes) -> Option<Request> {
    let Sent { query, operation_name, variables, extensions } = serde_json::from_slice(body).ok()?;
    let mut lists = Vec::new();
    let mut operation = Request::new(query);
    for (name, value) in variables.unwrap_or_default() {
        let text = value.get();
        let value = match positions(text) {
            Some(_) if lists.len() == MOST_LISTS => return None,
            Some(positions) => {
                let text = body.slice_ref(text.as_bytes());
                lists.push(List { name: name.clone(), positions, text });
                Value::Binary(Bytes::copy_from_slice(name.as_bytes()))
            }
            None => serde_json::from_str(text).ok()?,
        };
        operation.variables.insert(name, value);
    }
    operation.operation_name = operation_name;
    operation.extensions = extensions;
    if !lists.is_empty() {
        operation.data.insert(Lists(lists));
    }
    Some(operation)
}

/// The positions that a text is a list of, at least one. `None`: it is none, or the library has to look at it.
fn positions(text: &str) -> Option<Vec<PositionInput>> {
    if !text.starts_with('[') {
        return None;
    }
    let positions: Vec<Braced<PositionInput>> = serde_json::from_str(text).ok()?;
    // Of no type in particular, and nothing is won.
    if positions.is_empty() {
        return None;
    }
    Some(positions.into_iter().map(|Braced(position)| position).collect())
}

/// What stands in braces: a list of its values in their order, which serde takes for it, is none.
struct Braced<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Braced<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        braced(input).map(Self)
    }
}

/// Reads what stands in braces.
pub fn braced<'de, T: Deserialize<'de>, D: Deserializer<'de>>(input: D) -> Result<T, D::Error> {
    struct Reading<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Reading<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(fields))
        }
    }

    input.deserialize_map(Reading(PhantomData))
}

/// Sees to it that only what stands for the positions of a report is read as such. Comes behind whatever finds the operation that is
/// meant, as persisted queries do.
pub struct Reported;

impl ExtensionFactory for Reported {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for Reported {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        mut request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        give_back(&mut request)?;
        next.run(ctx, request).await
    }
}

/// Lists that look like one of positions and stand for something else, too, are values like all others.
fn give_back(request: &mut Request) -> ServerResult<()> {
    let lists = request.data.get(&TypeId::of::<Lists>()).and_then(|lists| lists.downcast_ref::<Lists>());
    let Some(lists) = lists else { return Ok(()) };
    let mut texts: Vec<_> = lists.0.iter().map(|list| (list.name.clone(), list.text.clone())).collect();
    // What cannot be parsed is not begun.
    let Ok(document) = request.parsed_query() else { return Ok(()) };
    let elsewhere = elsewhere(document);
    texts.retain(|(name, _)| elsewhere.contains(name.as_str()));
    for (name, text) in texts {
        let value = serde_json::from_slice(&text).map_err(|cause| ServerError::new(cause.to_string(), None))?;
        request.variables.insert(name, value);
    }
    Ok(())
}

/// The variables that stand anywhere but for the positions of a report. Their declarations do not say so: the library takes a list of
/// one type for that of another if its items fit. One walk, and none that calls itself: nobody has looked yet how deep the operation
/// is.
fn elsewhere(document: &ExecutableDocument) -> BTreeSet<&str> {
    let mut selected: Vec<&SelectionSet> = Vec::new();
    let mut directives: Vec<&Positioned<Directive>> = Vec::new();
    let mut values: Vec<&Argument> = Vec::new();
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        selected.push(&operation.selection_set.node);
        directives.extend(&operation.directives);
        directives.extend(operation.variable_definitions.iter().flat_map(|variable| &variable.node.directives));
    }
    for fragment in document.fragments.values() {
        selected.push(&fragment.node.selection_set.node);
        directives.extend(&fragment.node.directives);
    }
    while let Some(selection) = selected.pop() {
        for item in &selection.items {
            directives.extend(item.node.directives());
            match &item.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let others = field.arguments.iter().filter(|(argument, value)| {
                        let is_reported = field.name.node == REPORT && argument.node == POSITIONS;
                        !(is_reported && matches!(value.node, Argument::Variable(_)))
                    });
                    values.extend(others.map(|(_, value)| &value.node));
                    selected.push(&field.selection_set.node);
                }
                Selection::InlineFragment(part) => selected.push(&part.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    let given = directives.into_iter().flat_map(|directive| &directive.node.arguments);
    values.extend(given.map(|(_, value)| &value.node));
    variables(values)
}

/// The variables in these values.
fn variables(mut values: Vec<&Argument>) -> BTreeSet<&str> {
    let mut variables = BTreeSet::new();
    while let Some(value) = values.pop() {
        match value {
            Argument::Variable(name) => _ = variables.insert(name.as_str()),
            Argument::List(items) => values.extend(items),
            Argument::Object(fields) => values.extend(fields.values()),
            Argument::Null
            | Argument::Number(_)
            | Argument::String(_)
            | Argument::Boolean(_)
            | Argument::Binary(_)
            | Argument::Enum(_) => {}
        }
    }
    variables
}

#[cfg(test)]
mod tests;
