//! The network file: one file, checked as it is opened, read in place.
//!
//! Everything is little-endian. A header of 64 bytes, a table of sections, then the sections, each at the next multiple
//! of 64 with zeros between; nothing after the last.
//!
//! | header | bytes |
//! | --- | --- |
//! | magic `HNSMNET` and a zero | 8 |
//! | version of this layout, number of sections | 4, 4 |
//! | length of the file | 8 |
//! | the network's identity ([`Network::id`]) | 32 |
//! | xxh3-64 of header and table, these 8 bytes as zeros | 8 |
//!
//! | entry of the table | bytes |
//! | --- | --- |
//! | kind, size of an element | 4, 4 |
//! | offset, length in bytes, xxh3-64 of the section | 8, 8, 8 |
//!
//! Kinds: 1 name (UTF-8) · 2 latitude and longitude of each node in 1e-7 degrees · 3, 4 start and end node of each edge,
//! ascending · 5 lengths in mm · 6 times in ms, a block of all edges per weights version · 7, 8 ids of nodes and edges in
//! the source · 9 order of contraction ([`Network::order`]), which may be missing and is not part of the identity. A kind
//! that a reader does not know it skips: a table that only saves work may become a new kind, one that changes an answer
//! takes a new version.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use bytemuck::{Pod, Zeroable};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::column::{Column, Mapping};
use super::parts::Columns;
use super::{FileError, Network};

const MAGIC: [u8; 8] = *b"HNSMNET\0";
const VERSION: u32 = 1;
const ALIGN: usize = 64;
/// More sections than any version will have: a damaged count must not ask for memory.
const MAX_SECTIONS: usize = 64;

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    version: u32,
    sections: u32,
    length: u64,
    id: [u8; 32],
    checksum: u64,
}

#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Entry {
    kind: u32,
    element: u32,
    offset: u64,
    bytes: u64,
    checksum: u64,
}

/// Number and name of a kind of section.
type Section = (u32, &'static str);

const NAME: Section = (1, "name");
const COORDS: Section = (2, "coords");
const FROM: Section = (3, "from");
const TO: Section = (4, "to");
const LENGTHS: Section = (5, "length_mm");
const TIMES: Section = (6, "times_ms");
const NODE_SOURCE: Section = (7, "node_source");
const EDGE_SOURCE: Section = (8, "edge_source");
const ORDER: Section = (9, "order");

fn section_name(kind: u32) -> &'static str {
    let known = [NAME, COORDS, FROM, TO, LENGTHS, TIMES, NODE_SOURCE, EDGE_SOURCE, ORDER];
    known.iter().find(|section| section.0 == kind).map_or("of a kind unknown to this version", |section| section.1)
}

/// What goes into a section: its kind, the size of an element, the bytes.
type Content<'a> = (u32, usize, &'a [u8]);

fn content<T: Pod>(section: Section, table: &[T]) -> Content<'_> {
    (section.0, size_of::<T>(), bytemuck::cast_slice(table))
}

impl Columns {
    /// The sections that make the network what it is.
    fn sections(&self) -> [Content<'_>; 7] {
        [
            content(COORDS, &self.coords),
            content(FROM, &self.from),
            content(TO, &self.to),
            content(LENGTHS, &self.length_mm),
            content(TIMES, &self.times_ms),
            content(NODE_SOURCE, &self.node_source),
            content(EDGE_SOURCE, &self.edge_source),
        ]
    }

    /// BLAKE3 over kind, length and bytes of each of these.
    pub(super) fn id(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("Hansom network 1");
        for (kind, _, bytes) in self.sections() {
            hasher.update(&kind.to_le_bytes());
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        hasher.finalize().into()
    }
}

impl Network {
    /// Opens a network file: maps it, checks every byte and every index, and leaves the tables in the file.
    ///
    /// A file that is mapped must not be edited in place by anyone; [`write`](Self::write) never does.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let io = |source| FileError::Io { path: path.into(), action: "open", source };
        let file = File::open(path).map_err(io)?;
        let meta = file.metadata().map_err(io)?;
        if !meta.is_file() || meta.len() == 0 {
            return Err(FileError::NotANetwork { path: path.into() });
        }
        let reader = Reader { path, file: Mapping::of(&file).map_err(io)? };
        let (header, table) = reader.table()?;
        let mut network = Self::assemble(reader.columns(&table)?)
            .map_err(|source| FileError::Content { path: path.into(), source })?;
        if network.id() != header.id {
            return Err(FileError::Identity { path: path.into() });
        }
        if let Ok(entry) = reader.find(&table, ORDER)
            && !network.keep_order(reader.column(&table, ORDER)?)
        {
            return Err(reader.layout(ORDER.1, entry.offset, "does not name every node once"));
        }
        Ok(network)
    }

    /// Writes the network to `path`, under a temporary name first: a reader sees the old file or the new one, whole.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = path.with_file_name(name);
        let io = |action, at: &PathBuf, source| FileError::Io { path: at.clone(), action, source };
        let written = File::create(&part).and_then(|file| self.fill(&file)).map_err(|e| io("write", &part, e));
        let named = written.and_then(|()| fs::rename(&part, path).map_err(|e| io("write", &path.into(), e)));
        if named.is_err() {
            // The fault worth telling is the first one; a leftover that cannot be removed is only untidy.
            let _ = fs::remove_file(&part);
        }
        named
    }

    fn fill(&self, file: &File) -> io::Result<()> {
        let mut sections = vec![content(NAME, self.name().as_bytes())];
        sections.extend(self.columns().sections());
        sections.push(content(ORDER, self.order()));
        let mut end = size_of::<Header>() + sections.len() * size_of::<Entry>();
        let entry = |&(kind, element, bytes): &Content| {
            let offset = end.next_multiple_of(ALIGN);
            end = offset + bytes.len();
            let (element, offset) = (element as u32, offset as u64);
            Entry { kind, element, offset, bytes: bytes.len() as u64, checksum: xxh3_64(bytes) }
        };
        let table: Vec<Entry> = sections.iter().map(entry).collect();
        let (version, count, length) = (VERSION, table.len() as u32, end as u64);
        let mut header = Header { magic: MAGIC, version, sections: count, length, id: self.id(), checksum: 0 };
        header.checksum = head_checksum(&header, &table);
        let mut out = BufWriter::new(file);
        out.write_all(bytemuck::bytes_of(&header))?;
        out.write_all(bytemuck::cast_slice(&table))?;
        let mut at = size_of::<Header>() + size_of_val(&table[..]);
        for ((_, _, bytes), entry) in sections.iter().zip(&table) {
            out.write_all(&[0; ALIGN][..entry.offset as usize - at])?;
            out.write_all(bytes)?;
            at = entry.offset as usize + bytes.len();
        }
        out.flush()?;
        file.sync_all()
    }
}

/// xxh3-64 of header and table with the checksum's own bytes as zeros.
fn head_checksum(header: &Header, table: &[Entry]) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(bytemuck::bytes_of(&Header { checksum: 0, ..*header }));
    hasher.update(bytemuck::cast_slice(table));
    hasher.digest()
}

/// A file being opened.
struct Reader<'a> {
    path: &'a Path,
    file: Mapping,
}

impl Reader<'_> {
    /// The header and the table of sections, with every byte of the file accounted for.
    fn table(&self) -> Result<(Header, Vec<Entry>), FileError> {
        let bytes = self.file.bytes();
        let path = || self.path.into();
        if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) {
            return Err(FileError::NotANetwork { path: path() });
        }
        let truncated = |expected| FileError::Truncated { path: path(), length: bytes.len() as u64, expected };
        let head = bytes.get(..size_of::<Header>()).ok_or_else(|| truncated(size_of::<Header>() as u64))?;
        let header: Header = bytemuck::pod_read_unaligned(head);
        if header.version != VERSION {
            return Err(FileError::Version { path: path(), given: header.version, known: VERSION });
        }
        if header.length > bytes.len() as u64 {
            return Err(truncated(header.length));
        }
        if header.sections as usize > MAX_SECTIONS {
            return Err(self.layout("header", 12, "counts more sections than there can be"));
        }
        let table_end = size_of::<Header>() + header.sections as usize * size_of::<Entry>();
        let table = bytes.get(size_of::<Header>()..table_end).ok_or_else(|| truncated(table_end as u64))?;
        let table: Vec<Entry> = table.chunks_exact(size_of::<Entry>()).map(bytemuck::pod_read_unaligned).collect();
        if head_checksum(&header, &table) != header.checksum {
            return Err(FileError::Checksum { path: path(), section: "header", offset: 0 });
        }
        if header.length < bytes.len() as u64 {
            return Err(self.layout("header", header.length, "ends here, but the file goes on"));
        }
        let mut end = table_end;
        for entry in &table {
            end = self.section(entry, end)?;
        }
        if end != bytes.len() {
            return Err(self.layout("header", end as u64, "has no section for the bytes from here on"));
        }
        Ok((header, table))
    }

    /// Checks one section, which must begin where the last, that ended at `end`, makes room for it. Returns its end.
    fn section(&self, entry: &Entry, end: usize) -> Result<usize, FileError> {
        let (bytes, name) = (self.file.bytes(), section_name(entry.kind));
        let start = end.next_multiple_of(ALIGN);
        if entry.offset != start as u64 || entry.bytes > bytes.len() as u64 {
            return Err(self.layout(name, entry.offset, "is not where it belongs"));
        }
        let range = start..start + entry.bytes as usize;
        let Some(section) = bytes.get(range.clone()) else {
            return Err(self.layout(name, entry.offset, "reaches past the end of the file"));
        };
        if bytes[end..start].iter().any(|&byte| byte != 0) {
            return Err(self.layout(name, end as u64, "has something other than zeros before it"));
        }
        if xxh3_64(section) != entry.checksum {
            return Err(FileError::Checksum { path: self.path.into(), section: name, offset: entry.offset });
        }
        Ok(range.end)
    }

    fn columns(&self, table: &[Entry]) -> Result<Columns, FileError> {
        let name = self.column::<u8>(table, NAME)?;
        let Ok(name) = std::str::from_utf8(&name) else {
            return Err(self.layout(NAME.1, self.find(table, NAME)?.offset, "is not UTF-8"));
        };
        Ok(Columns {
            name: name.into(),
            coords: self.column(table, COORDS)?,
            from: self.column(table, FROM)?,
            to: self.column(table, TO)?,
            length_mm: self.column(table, LENGTHS)?,
            times_ms: self.column(table, TIMES)?,
            node_source: self.column(table, NODE_SOURCE)?,
            edge_source: self.column(table, EDGE_SOURCE)?,
        })
    }

    fn find<'t>(&self, table: &'t [Entry], (kind, section): Section) -> Result<&'t Entry, FileError> {
        let found = table.iter().find(|entry| entry.kind == kind);
        found.ok_or_else(|| FileError::Missing { path: self.path.into(), section })
    }

    fn column<T: Pod>(&self, table: &[Entry], section: Section) -> Result<Column<T>, FileError> {
        let entry = self.find(table, section)?;
        let range = entry.offset as usize..(entry.offset + entry.bytes) as usize;
        let column = if entry.element as usize == size_of::<T>() { self.file.column(range).ok() } else { None };
        column.ok_or_else(|| self.layout(section.1, entry.offset, "has elements of the wrong size"))
    }

    fn layout(&self, section: &'static str, offset: u64, fault: &'static str) -> FileError {
        FileError::Layout { path: self.path.into(), section, offset, fault }
    }
}
