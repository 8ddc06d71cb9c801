//! How many selections an operation has once each fragment stands wherever it is spread, before the library goes through them.
//!
//! The library looks at a fragment anew for each place where it is spread: a text of 1 kB with 28 fragments, each of which spreads the next
//! one twice, kept a thread busy for more than 40 s, and ten times instead of twice is for ever. Refuses to know what is selected.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest};
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Request, ServerError, ServerResult};

/// So many selections at most. A text of the longest kind has some thousands without fragments.
const MOST: u64 = 20_000;
/// The library takes no fragments that are spread in each other deeper than this.
const LEVELS: usize = 33;

/// Turns away what unfolds to too much. Comes behind whatever says that a text may be parsed, and before all that walks through it.
pub struct Unfolded;

impl ExtensionFactory for Unfolded {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for Unfolded {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        mut request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        // A query that is known by its hash was looked at when it was stored; what cannot be parsed is not begun.
        if !request.query.is_empty() && request.parsed_query().is_ok_and(|document| selections(document) > MOST) {
            return Err(ServerError::new("Query is too large with its fragments unfolded.", None));
        }
        next.run(ctx, request).await
    }
}

/// How many selections a document has, those of a fragment counted wherever it is spread, to the depth that the library takes.
fn selections(document: &ExecutableDocument) -> u64 {
    let mut known: HashMap<&str, u64> = HashMap::new();
    for _ in 0..LEVELS {
        let fragments = document.fragments.iter();
        let sizes = fragments.map(|(name, it)| (name.as_str(), size(&it.node.selection_set.node, &known))).collect();
        if known == sizes {
            break;
        }
        known = sizes;
    }
    let operations = document.operations.iter().map(|(_, it)| size(&it.node.selection_set.node, &known));
    operations.fold(0, u64::saturating_add)
}

/// The same of a selection, with fragments as large as they are known to be.
fn size(selection: &SelectionSet, known: &HashMap<&str, u64>) -> u64 {
    let (mut left, mut size) = (vec![selection], 0_u64);
    while let Some(selection) = left.pop() {
        for item in &selection.items {
            size = size.saturating_add(1);
            match &item.node {
                Selection::Field(field) => left.push(&field.node.selection_set.node),
                Selection::InlineFragment(part) => left.push(&part.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let spread = known.get(spread.node.fragment_name.node.as_str());
                    size = size.saturating_add(spread.copied().unwrap_or_default());
                }
            }
        }
    }
    size
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn a_fragment_counts_wherever_it_is_spread() {
        let doubled = |levels: usize| {
            let fragments: Vec<_> =
                (0..levels).map(|n| format!("fragment f{n} on Q {{ ...f{} ...f{} }}", n + 1, n + 1)).collect();
            format!("{{ ...f0 }} {} fragment f{levels} on Q {{ a }}", fragments.join(" "))
        };
        let cases = [
            ("{ a { b } ... on Q { c } }".to_owned(), 4),
            ("{ ...f a { ...f } } fragment f on Q { b c }".to_owned(), 7),
            ("{ ...nothing }".to_owned(), 1),
            (doubled(1), 5),
            (doubled(10), (1 << 12) - 1 - (1 << 10)),
        ];
        for (text, wanted) in cases {
            let document = parse_query(&text).expect("a document");
            assert_eq!(selections(&document), wanted, "{text}");
        }
        let circle =
            parse_query("{ ...f } fragment f on Q { ...g ...g } fragment g on Q { ...f ...f }").expect("a document");
        assert!(selections(&circle) > MOST);
        assert!(selections(&parse_query(doubled(28)).expect("a document")) > MOST);
    }
}
