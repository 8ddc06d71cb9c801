//! Pages of what is too long for one answer, in an order that does not change while others write.

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice<K> {
    /// Behind this place.
    pub after: Option<K>,
    /// Before this place.
    pub before: Option<K>,
    /// The last ones of that part instead of the first.
    pub last: bool,
    /// At most so many.
    pub limit: usize,
}

impl<K> Slice<K> {
    /// The first `limit`.
    pub const fn first(limit: usize) -> Self {
        Self { after: None, before: None, last: false, limit }
    }
}

/// A part of a list, in the list's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<K, T> {
    /// What was found, each with its place.
    pub items: Vec<(K, T)>,
    /// Whether there may be more in the direction that was asked for.
    pub more: bool,
    /// The farthest place that was looked at. A page with few finds, or none, is gone on with from here: no more than so much
    /// is looked at for one answer.
    pub reached: Option<K>,
}

/// So much is looked at for one page.
const MOST_LOOKED_AT: usize = 20_000;

impl<K: Clone, T> Page<K, T> {
    /// What `wanted` takes of a list that is given in the direction of the slice, from its edge on.
    pub fn collect<E>(
        list: impl Iterator<Item = Result<(K, T), E>>,
        slice: &Slice<K>,
        mut wanted: impl FnMut(&T) -> bool,
    ) -> Result<Self, E> {
        let mut page = Self { items: Vec::new(), more: false, reached: None };
        for (looked_at, item) in list.enumerate() {
            if looked_at >= MOST_LOOKED_AT || page.items.len() >= slice.limit {
                page.more = true;
                break;
            }
            let (key, item) = item?;
            page.reached = Some(key.clone());
            if wanted(&item) {
                page.items.push((key, item));
            }
        }
        if slice.last {
            page.items.reverse();
        }
        Ok(page)
    }
}
