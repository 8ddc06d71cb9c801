//! Positions by the hundred, read where they stand.
//!
//! The library makes a value of every field of every item of a list, copies the list to look whether it may stand there, and once more to
//! hand it over: 500 positions occupied a thread of the server for milliseconds, in which nobody else was served. So a list of
//! positions among an operation's variables is read from its text at once into what it shall become, and the library sees its name
//! only. Whatever is not plainly such a list, it gets as it gets everything else, and says itself what is wrong.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::BTreeMap;
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
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::code::program_fault;
use super::input::PositionInput;

/// The field that is given positions, and its argument.
const REPORT: &str = "reportPositions";
const POSITIONS: &str = "positions";

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

/// The positions that a text is a list of. `None`: it is none, or the library has to look at it.
fn positions(text: &str) -> Option<Vec<PositionInput>> {
    if !text.starts_with('[') {
        return None;
    }
    let positions: Vec<Braced<PositionInput>> = serde_json::from_str(text).ok()?;
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

/// Sees to it, behind what `T` does with an operation, that only what stands for the positions of a report is read as such.
pub struct Reported<T>(pub T);

impl<T: ExtensionFactory> ExtensionFactory for Reported<T> {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Behind(self.0.create()))
    }
}

struct Behind(Arc<dyn Extension>);

#[async_trait::async_trait]
impl Extension for Behind {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let mut request = self.0.prepare_request(ctx, request, next).await?;
        give_back(&mut request)?;
        Ok(request)
    }
}

/// Lists that look like one of positions and stand for something else, too, are values like all others.
fn give_back(request: &mut Request) -> ServerResult<()> {
    let lists = request.data.get(&TypeId::of::<Lists>()).and_then(|lists| lists.downcast_ref::<Lists>());
    let Some(lists) = lists else { return Ok(()) };
    let texts: Vec<_> = lists.0.iter().map(|list| (list.name.clone(), list.text.clone())).collect();
    // What cannot be parsed is not begun.
    let Ok(document) = request.parsed_query() else { return Ok(()) };
    let others: Vec<_> = texts.into_iter().filter(|(name, _)| !is_reported(document, name)).collect();
    for (name, text) in others {
        let value = serde_json::from_slice(&text).map_err(|cause| ServerError::new(cause.to_string(), None))?;
        request.variables.insert(name, value);
    }
    Ok(())
}

/// Whether a variable stands nowhere but for the positions of a report. Its declaration does not say so: the library takes a list of one
/// type for that of another if its items fit.
fn is_reported(document: &ExecutableDocument, variable: &Name) -> bool {
    // As it stands there.
    let variable = format!("${variable}");
    let operations = document.operations.iter().map(|(_, it)| (&it.node.directives, &it.node.selection_set));
    let fragments = document.fragments.values().map(|it| (&it.node.directives, &it.node.selection_set));
    let mut parts = operations.chain(fragments);
    parts.all(|(directives, selected)| is_free(directives, &variable) && is_reported_in(&selected.node, &variable))
}

fn is_reported_in(selected: &SelectionSet, variable: &str) -> bool {
    selected.items.iter().all(|item| match &item.node {
        Selection::Field(field) => {
            let field = &field.node;
            let is_report = field.name.node == REPORT;
            let mut arguments = field.arguments.iter();
            arguments.all(|(argument, value)| {
                let value = value.node.to_string();
                is_report && argument.node == POSITIONS && value == variable || !value.contains(variable)
            }) && is_free(&field.directives, variable)
                && is_reported_in(&field.selection_set.node, variable)
        }
        Selection::FragmentSpread(spread) => is_free(&spread.node.directives, variable),
        Selection::InlineFragment(part) => {
            is_free(&part.node.directives, variable) && is_reported_in(&part.node.selection_set.node, variable)
        }
    })
}

/// Whether directives do without a variable. A text that only looks like one costs the library's way, no more.
fn is_free(directives: &[Positioned<Directive>], variable: &str) -> bool {
    let mut values = directives.iter().flat_map(|directive| &directive.node.arguments);
    values.all(|(_, value)| !value.node.to_string().contains(variable))
}

#[cfg(test)]
mod tests;
