//! How deep the text of an operation is nested, before it is parsed.
//!
//! The library's parser calls itself for each brace and bracket, and looks how deep it is only where selections are made of what it has
//! read: a text of 8 kB took all of a thread's stack, and with it the process. Refuses to know more of the language than where
//! strings and comments end.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest};
use async_graphql::{Request, ServerError, ServerResult};

/// Braces and brackets in each other: as many as the library has selections at most, and far more than the schema has use for.
const MOST: usize = 64;

/// Turns away what is nested too deep. Comes before whatever parses the text.
pub struct Nesting;

impl ExtensionFactory for Nesting {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for Nesting {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        if depth(request.query.as_bytes()) > MOST {
            return Err(ServerError::new("Query is nested too deep.", None));
        }
        next.run(ctx, request).await
    }
}

/// How many braces and brackets stand in each other at most. Of what is no operation: at least as many as are read until that is seen.
fn depth(mut text: &[u8]) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    while let [first, rest @ ..] = text {
        text = match first {
            b'"' => after_string(text),
            b'#' => after_comment(rest),
            _ => rest,
        };
        match first {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

fn after_comment(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    &text[end.unwrap_or(text.len())..]
}

/// What follows the string with which a text begins. A block that does not end is none, but an empty string and what comes then: so
/// the parser reads it.
fn after_string(text: &[u8]) -> &[u8] {
    text.strip_prefix(BLOCK).and_then(after_block).unwrap_or_else(|| after_line(&text[1..]))
}

/// What a string of many lines begins and ends with.
const BLOCK: &[u8] = b"\"\"\"";

fn after_block(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        if let Some(rest) = text.strip_prefix(BLOCK) {
            return Some(rest);
        }
        let escaped = text.strip_prefix(b"\\").and_then(|text| text.strip_prefix(BLOCK));
        text = match escaped {
            Some(rest) => rest,
            None => text.split_first()?.1,
        };
    }
}

fn after_line(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [] => return text,
            [b'"', rest @ ..] => return rest,
            [b'\\', _, rest @ ..] | [_, rest @ ..] => rest,
        };
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::parser::types::Selection;
    use async_graphql_value::Value;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn braces_and_brackets_count_and_what_is_said_in_strings_and_comments_does_not() {
        let cases = [
            ("", 0),
            ("{ a { b } c { d } }", 2),
            ("query($p: [[Int!]!]! = [[1]]) { a(b: [{ c: [$p] }]) }", 4),
            (r#"{ a(b: "[[[[", c: "\"[[", d: "\\", e: ["]"]) }"#, 2),
            ("{ a(b: \"\"\"[[ \" [[ \\\"\"\" [[\"\"\", c: [1]) }", 2),
            ("{ a # [[[[ \"\n b(c: [1]) }", 2),
            ("{ a # [[[[ \r b(c: [1]) }", 2),
            ("{ a(b: \"\", c: \"\"\"\"\"\", d: [[1]]) }", 3),
            ("}}}} { a }", 1),
            // A block that does not end hides nothing.
            ("{ a(b: \"\"\" x\" [[[[", 5),
        ];
        for (text, levels) in cases {
            assert_eq!(depth(text.as_bytes()), levels, "{text}");
        }
    }

    fn levels(value: &Value) -> usize {
        match value {
            Value::List(items) => 1 + items.iter().map(levels).max().unwrap_or_default(),
            Value::Object(fields) => 1 + fields.values().map(levels).max().unwrap_or_default(),
            _ => 0,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// However strings and comments are mixed with brackets: what the parser makes a value of is counted as deep as it is.
        #[test]
        fn the_parser_goes_no_deeper(
            pieces in proptest::collection::vec(proptest::sample::select(
                &["\"", "\"\"", "\"\"\"", "\\\"", "\\\\", "\\\"\"\"", "#", "\n", "\r", "[", "[[", "]", "]]", "1"][..],
            ), 0..12),
        ) {
            let text = format!("{{ f(a: [{}]) }}", pieces.concat());
            if let Ok(document) = parse_query(&text) {
                for (_, operation) in document.operations.iter() {
                    for item in &operation.node.selection_set.node.items {
                        let Selection::Field(field) = &item.node else { continue };
                        let deepest = field.node.arguments.iter().map(|(_, value)| levels(&value.node)).max();
                        prop_assert_eq!(depth(text.as_bytes()), 1 + deepest.unwrap_or_default(), "{}", text);
                    }
                }
            }
        }
    }
}
