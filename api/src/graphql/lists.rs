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
use async_graphql::parser::types::{BaseType, ExecutableDocument};
use async_graphql::registry::Registry;
use async_graphql::{
    Context, Extensions, InputType, InputValueError, InputValueResult, Name, Request, Result, ServerError,
    ServerResult, Value,
};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::code::program_fault;
use super::input::PositionInput;

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
#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
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

/// Sees to it, behind what `T` does with an operation, that only what was declared as a list of positions is one.
pub struct Declared<T>(pub T);

impl<T: ExtensionFactory> ExtensionFactory for Declared<T> {
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

/// Lists that look like one of positions and are declared as something else are values like all others.
fn give_back(request: &mut Request) -> ServerResult<()> {
    let lists = request.data.get(&TypeId::of::<Lists>()).and_then(|lists| lists.downcast_ref::<Lists>());
    let Some(lists) = lists else { return Ok(()) };
    let texts: Vec<_> = lists.0.iter().map(|list| (list.name.clone(), list.text.clone())).collect();
    // What cannot be parsed is not begun.
    let Ok(document) = request.parsed_query() else { return Ok(()) };
    let others: Vec<_> = texts.into_iter().filter(|(name, _)| !is_declared(document, name)).collect();
    for (name, text) in others {
        let value = serde_json::from_slice(&text).map_err(|cause| ServerError::new(cause.to_string(), None))?;
        request.variables.insert(name, value);
    }
    Ok(())
}

/// Whether a variable is one of positions wherever it is declared.
fn is_declared(document: &ExecutableDocument, name: &Name) -> bool {
    let mut variables = document.operations.iter().flat_map(|(_, operation)| &operation.node.variable_definitions);
    variables.all(|variable| {
        let of_positions = match &variable.node.var_type.node.base {
            BaseType::List(item) => matches!(&item.base, BaseType::Named(item) if *item == *PositionInput::type_name()),
            BaseType::Named(_) => false,
        };
        variable.node.name.node != *name || of_positions
    })
}

#[cfg(test)]
mod tests {
    use actix_web::rt::System;
    use async_graphql::extensions::apollo_persisted_queries::{ApolloPersistedQueries, LruCacheStorage};
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
    use proptest::prelude::*;

    use super::super::input::PlaceInput;
    use super::*;

    /// Says what it is given.
    struct Echo;

    #[Object]
    impl Echo {
        async fn positions(&self, ctx: &Context<'_>, positions: Positions) -> Result<String> {
            Ok(format!("{:?}", positions.of(ctx)?))
        }

        async fn places(&self, places: Option<Vec<PlaceInput>>) -> String {
            format!("{places:?}")
        }
    }

    fn schema() -> Schema<Echo, EmptyMutation, EmptySubscription> {
        let persisted = ApolloPersistedQueries::new(LruCacheStorage::new(8));
        Schema::build(Echo, EmptyMutation, EmptySubscription).extension(Declared(persisted)).finish()
    }

    const PLAIN: &str = "query($p: [PositionInput!]!) { positions(positions: $p) }";

    /// What is answered to a body, read as a whole by `read`.
    fn answer(body: &str, read: impl Fn(&Bytes) -> serde_json::Result<Request>) -> String {
        let body = Bytes::from(body.to_owned());
        match read(&body) {
            Ok(operation) => {
                let response = System::new().block_on(schema().execute(operation));
                serde_json::to_string(&response).expect("a response is JSON")
            }
            Err(cause) => cause.to_string(),
        }
    }

    fn by_library(body: &Bytes) -> serde_json::Result<Request> {
        serde_json::from_slice(body)
    }

    fn body(query: &str, list: &str) -> String {
        format!(r#"{{"query":"{query}","operationName":null,"variables":{{"q":1,"p":{list}}}}}"#)
    }

    #[test]
    fn a_list_of_positions_is_read_at_once() {
        let list = r#"[{"driver":"d\u00e9","seq":7,"place":{"lat":1,"lon":-2.5}},
            {"place":{"lon":0,"lat":-0.0},"session":null,"seq":1,"driver":"","measured":"2026-03-05T17:00:00Z"}]"#;
        let sent = Bytes::from(body(PLAIN, list));
        let operation = operation(&sent).expect("it is an operation");
        assert!(matches!(operation.variables["p"], Value::Binary(_)));
        assert_eq!(operation.variables["q"], Value::from(1));
        let told = answer(&body(PLAIN, list), super::operation);
        assert!(told.contains("dé") && told.contains("-2.5"), "{told}");
        assert_eq!(told, answer(&body(PLAIN, list), by_library));
    }

    #[test]
    fn a_list_in_the_operation_itself_is_one_too() {
        let query = "{ positions(positions: [{ driver: \\\"d\\\", seq: 1, place: { lat: 1, lon: 2 } }]) }";
        let told = answer(&body(query, "[]"), operation);
        assert!(told.contains(r#"driver: \"d\""#), "{told}");
    }

    /// A value out of these, as it stands in a text; an empty one is left out.
    fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
        proptest::sample::select(texts).prop_map(str::to_owned)
    }

    /// Right five times in six.
    fn mostly(right: impl Strategy<Value = String>, wrong: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop_oneof![5 => right, 1 => one_of(wrong)]
    }

    fn place() -> impl Strategy<Value = String> {
        let degrees =
            || mostly("-?[0-9]{1,3}(\\.[0-9]{1,16})?(e[0-9])?", &["", "null", "\"1\"", "1e999", "true", "01", "-0"]);
        let more = mostly(Just(String::new()), &[r#","lat":1"#, r#","alt":1"#, ","]);
        let braced = (degrees(), degrees(), more).prop_map(|(lat, lon, more)| {
            let fields: Vec<String> = [("lat", lat), ("lon", lon)]
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| format!("\"{name}\":{value}"))
                .collect();
            format!("{{{}{more}}}", fields.join(", "))
        });
        mostly(braced, &["[1,2]", "null", "{}", "1"])
    }

    fn position() -> impl Strategy<Value = String> {
        let driver = mostly(
            "[a-z]{1,8}".prop_map(|name| format!("\"{name}\"")),
            &["", "null", "7", r#""\ud800""#, r#""\u00e4\n""#, "\"\"", "[\"a\"]", "a"],
        );
        let session = prop_oneof![
            Just(String::new()),
            mostly("[0-9]{1,3}", &["null", "1.0", "\"1\"", "-1", "9223372036854775808"])
        ];
        let seq = mostly("[0-9]{1,9}", &["", "null", "1e3", "2.5", "9223372036854775808", "-9223372036854775808"]);
        let measured = prop_oneof![
            Just(String::new()),
            one_of(&["null", "\"2026-03-05T17:00:00Z\"", "\"2026-03-05T17:00:00.1234+01:00\"", "\"now\"", "1"])
        ];
        let more = mostly(Just(String::new()), &[r#","seq":2"#, r#","speed":1"#, r#","driver":null"#, ","]);
        let braced = (driver, session, seq, place(), measured, more).prop_map(
            |(driver, session, seq, place, measured, more)| {
                let fields =
                    [("driver", driver), ("session", session), ("seq", seq), ("place", place), ("measured", measured)];
                let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
                let fields: Vec<String> = fields.map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}{more}}}", fields.join(","))
            },
        );
        prop_oneof![12 => braced, 1 => one_of(&["null", r#"["d",1,1,{"lat":1,"lon":2},null]"#, "{}", "[]", "1", "{\"lat\":1,\"lon\":2}"])]
    }

    fn list() -> impl Strategy<Value = String> {
        let items = proptest::collection::vec(position(), 0..3).prop_map(|items| format!("[{}]", items.join(" ,\n")));
        prop_oneof![12 => items, 1 => position(), 1 => place().prop_map(|place| format!("[{place}]")), 1 => Just("null".to_owned())]
    }

    const QUERIES: &[&str] = &[
        PLAIN,
        PLAIN,
        "query($p: [PositionInput!]) { positions(positions: $p) }",
        "query($p: [PositionInput]!) { positions(positions: $p) }",
        "query($p: PositionInput!) { positions(positions: $p) }",
        "query($p: [[PositionInput!]!]!) { positions(positions: $p) }",
        "query($p: [PositionInput!]!) { a: positions(positions: $p) b: positions(positions: $p) }",
        "query($p: PositionInput!) { positions(positions: [$p, $p]) }",
        "query($p: [PositionInput!]!) { positions(positions: $p) places(places: $p) }",
        "query($p: [PositionInput!] = []) { positions(positions: $p) }",
        "query($p: [PlaceInput!]) { places(places: $p) }",
        "query($p: [String!]) { places(places: []) }",
        "query($q: Int) { positions(positions: $p) }",
        "query A($p: [PlaceInput!]) { places(places: $p) } query B($p: [PositionInput!]!) { positions(positions: $p) }",
        "query($p: [PositionInput!]!) { positions(positions: $p }",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        /// Whatever is sent: what is answered is what the library alone would have answered, to the letter. (But that it takes a
        /// variable of one type for another where that one has a default, which GraphQL forbids.)
        #[test]
        fn nothing_is_answered_otherwise_than_by_the_library(query in one_of(QUERIES), list in list()) {
            let body = body(&query, &list);
            prop_assert_eq!(answer(&body, operation), answer(&body, by_library));
        }
    }
}
