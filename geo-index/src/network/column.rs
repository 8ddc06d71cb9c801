//! A table of the network, in memory or in a mapped file; to its readers a plain slice either way.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::sync::Arc;

use bytemuck::{Pod, PodCastError};
use memmap2::Mmap;

#[cfg(target_endian = "big")]
compile_error!("network files hold little-endian arrays that are read in place; this target is big-endian");

/// A table whose slice costs no more than a `Vec`'s.
#[derive(Debug)]
pub(crate) enum Column<T: 'static> {
    /// In memory.
    Owned(Vec<T>),
    /// In a mapped file, which the column keeps mapped.
    Mapped(MappedSlice<T>),
}

/// Part of a mapping. Its fields are private: the slice is only lent for as long as the mapping is held beside it.
#[derive(Debug)]
pub(crate) struct MappedSlice<T: 'static> {
    slice: &'static [T],
    _mapping: Arc<Mmap>,
}

impl<T> Deref for Column<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Self::Owned(table) => table,
            Self::Mapped(part) => part.slice,
        }
    }
}

impl<T> From<Vec<T>> for Column<T> {
    fn from(table: Vec<T>) -> Self {
        Self::Owned(table)
    }
}

/// A whole file, mapped for reading.
#[derive(Debug)]
pub(super) struct Mapping {
    bytes: &'static [u8],
    mapping: Arc<Mmap>,
}

impl Mapping {
    /// Maps `file`, which must not be empty.
    pub fn of(file: &File) -> io::Result<Self> {
        // SAFETY: two promises are given here.
        // (1) Nobody changes the file's bytes while it is mapped. Hansom never edits a network file: `write` fills a
        //     temporary file and renames it into place, so a file once named is replaced as a whole and an old mapping
        //     keeps the old bytes. Opening a file that another program edits in place is outside of what any reader of
        //     mapped files can promise; `Network::open` says so.
        // (2) The slice lives as long as it is reachable. It points to the pages of `mapping`, not into the `Mmap`
        //     value, so moving that is harmless; `Mmap` unmaps when the last `Arc` drops. The `'static` is false but
        //     cannot leave this module: `Mapping` and `MappedSlice` keep an `Arc` beside it in private fields, and lend
        //     it only for the life of a borrow of themselves.
        // `tests/network_file.rs` reads every table after the file was deleted and all else was dropped.
        let (mapping, bytes) = unsafe {
            let mapping = Mmap::map(file)?;
            let bytes: &'static [u8] = std::slice::from_raw_parts(mapping.as_ptr(), mapping.len());
            (Arc::new(mapping), bytes)
        };
        Ok(Self { bytes, mapping })
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// The elements in `range`, which must lie inside of the file: in place, not copied.
    pub fn column<T: Pod>(&self, range: Range<usize>) -> Result<Column<T>, PodCastError> {
        let slice = bytemuck::try_cast_slice(&self.bytes[range])?;
        Ok(Column::Mapped(MappedSlice { slice, _mapping: Arc::clone(&self.mapping) }))
    }
}
