//! What `strace` saw a server do: which bytes of its log were synced when, and which answers it sent.
//!
//! A line of the trace stands where its call began, and where another thread came between, its end has a line of its own.
//! So what a line tells began after all calls had ended whose end stands before it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A file that the server wrote.
#[derive(Debug)]
struct File {
    /// Its name at the end.
    path: PathBuf,
    /// Where the next write goes.
    at: u64,
    /// Up to where it was written.
    written: u64,
    /// Up to where what was written was synced.
    synced: u64,
}

/// What the trace shows, in order.
#[derive(Debug, Clone, Copy)]
enum Seen {
    /// A file, by number, was synced up to a length.
    Synced(usize, u64),
    /// The turn at an offset was acknowledged.
    Acked(u64),
}

/// A trace, read.
#[derive(Debug, Default)]
pub struct Trace {
    files: Vec<File>,
    open: BTreeMap<u64, usize>,
    seen: Vec<Seen>,
    /// What was sent to a client, by file number, without whole lines.
    sent: BTreeMap<u64, String>,
    /// Calls that have begun, by thread.
    begun: BTreeMap<u64, String>,
}

/// Where the turns of a log end.
struct Turns {
    /// By offset: the segment and the byte.
    ends: BTreeMap<u64, (PathBuf, u64)>,
    /// Where the head of a segment ends.
    heads: BTreeMap<PathBuf, u64>,
}

impl Trace {
    /// Reads a trace of a server whose folder was `folder`.
    pub fn of(trace: &str, folder: &Path) -> Self {
        let mut read = Self::default();
        for line in trace.lines() {
            let (thread, rest) = line.split_once(' ').unwrap_or_default();
            let thread: u64 = thread.parse().unwrap_or_default();
            let rest = rest.trim_start();
            if let Some(begun) = rest.strip_suffix(" <unfinished ...>") {
                read.begins(begun);
                read.begun.insert(thread, begun.to_owned());
            } else if let Some(resumed) = rest.strip_prefix("<... ") {
                // Without the beginning there was no end to wait for.
                let Some(begun) = read.begun.remove(&thread) else { continue };
                let end = resumed.split_once("resumed>").map_or("", |(_, end)| end);
                read.ends(&format!("{begun}{end}"), folder);
            } else {
                read.begins(rest);
                read.ends(rest, folder);
            }
        }
        read
    }

    /// A call begins. What it sends may be read from then on.
    fn begins(&mut self, call: &str) {
        let sends = ["write(", "writev(", "sendto(", "sendmsg("];
        let Some(arguments) = sends.iter().find_map(|name| call.strip_prefix(name)) else { return };
        let number = number(arguments);
        if self.open.contains_key(&number) {
            return;
        }
        assert!(!arguments.contains("\"..."), "the trace does not show all that was sent");
        let sent = self.sent.entry(number).or_default();
        if arguments.contains("\"HTTP/1.") {
            sent.clear();
        }
        sent.push_str(&arguments.replace("\\\"", "\""));
        let mut rest = &**sent;
        while let Some((before, after)) = rest.split_once("\"offset\":") {
            let Some(end) = after.find(|c: char| !c.is_ascii_digit()) else { break };
            // An order's key is a UUID; a position is answered when it is received. A refusal has its reason next.
            let key = before.strip_suffix("\",").and_then(|before| before.rsplit('"').next()).unwrap_or_default();
            let is_taken = after[end..].starts_with('}') && key.len() == 36;
            if is_taken || after[end..].starts_with(",\"reason\"") {
                self.seen.push(Seen::Acked(after[..end].parse().expect("digits")));
            }
            rest = after;
        }
        *sent = rest.to_owned();
    }

    /// A call has ended.
    fn ends(&mut self, call: &str, folder: &Path) {
        let Some((name, arguments)) = call.split_once('(') else { return };
        let Some(result) = call.rsplit_once(" = ").map(|(_, result)| result) else { return };
        let Ok(result) = result.split_whitespace().next().unwrap_or_default().parse::<i64>() else { return };
        let Ok(result) = u64::try_from(result) else { return };
        let file = self.open.get(&number(arguments)).copied();
        match (name, file) {
            ("openat", _) => {
                self.open.remove(&result);
                let path = folder.join(arguments.split('"').nth(1).unwrap_or_default());
                let in_log = path.components().any(|part| part.as_os_str() == "log");
                if in_log && arguments.contains("O_RDWR") {
                    let is_new = arguments.contains("O_EXCL");
                    self.opened(result, path, is_new);
                }
            }
            ("close", _) => {
                self.open.remove(&number(arguments));
                self.sent.remove(&number(arguments));
            }
            ("lseek", Some(file)) => self.files[file].at = result,
            ("write", Some(file)) => {
                let file = &mut self.files[file];
                file.at += result;
                file.written = file.written.max(file.at);
            }
            ("ftruncate", Some(file)) => {
                let size =
                    arguments.split([',', ')']).nth(1).and_then(|size| size.trim().parse().ok()).expect("a size");
                let file = &mut self.files[file];
                (file.written, file.synced) = (file.written.min(size), file.synced.min(size));
            }
            ("fdatasync" | "fsync", Some(number)) => {
                let file = &mut self.files[number];
                file.synced = file.written;
                self.seen.push(Seen::Synced(number, file.synced));
            }
            ("rename", _) => {
                let mut names = arguments.split('"').skip(1).step_by(2);
                let (Some(from), Some(to)) = (names.next(), names.next()) else { return };
                let (from, to) = (folder.join(from), folder.join(to));
                if let Some(file) = self.files.iter_mut().rev().find(|file| file.path == from) {
                    // What is behind its head are zeros until turns are written over them.
                    (file.path, file.written, file.synced) = (to, 0, 0);
                }
            }
            _ => {}
        }
    }

    fn opened(&mut self, number: u64, path: PathBuf, is_new: bool) {
        // What is there before the first write survived a loss of power already.
        let known = self.files.iter().rev().find(|file| file.path == path);
        let there = if is_new { 0 } else { known.map_or(0, |file| file.synced) };
        self.open.insert(number, self.files.len());
        self.files.push(File { path, at: 0, written: there, synced: there });
    }

    /// How many acknowledgements it shows of turns from `first` on.
    pub fn acknowledged(&self, first: u64) -> usize {
        self.seen.iter().filter(|seen| matches!(seen, Seen::Acked(offset) if *offset >= first)).count()
    }

    /// Whether each acknowledgement was sent when the bytes of its turn had been synced; if not, which was not. `log` is the
    /// folder as it was left by the kill; of turns before `first` nothing is demanded: they were there before.
    pub fn each_follows_its_sync(&self, log: &Path, first: u64) -> Result<(), String> {
        let turns = Turns::of(log);
        let mut synced: BTreeMap<&Path, u64> = BTreeMap::new();
        for seen in &self.seen {
            match *seen {
                Seen::Synced(number, to) => _ = synced.insert(&self.files[number].path, to),
                Seen::Acked(offset) if offset < first => {}
                Seen::Acked(offset) => {
                    let turn = turns.ends.get(&offset);
                    let (segment, end) = turn.ok_or_else(|| format!("{offset} was acknowledged and not written"))?;
                    let reached = synced.get(&**segment).copied().unwrap_or_default();
                    if reached < *end {
                        let segment = segment.display();
                        return Err(format!("{offset}, up to {end} in {segment}, was acknowledged at {reached}"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Cuts the log back to what was synced, as a loss of power may. How many bytes that took.
    pub fn cut(&self, log: &Path) -> u64 {
        let turns = Turns::of(log);
        let mut lost = 0;
        for entry in fs::read_dir(log).expect("there is a log") {
            let path = entry.expect("it can be read").path();
            if path.extension().is_some_and(|kind| kind == "seg") {
                let file = self.files.iter().rev().find(|file| file.path == path);
                // One that was not opened was there before.
                let Some(file) = file else { continue };
                let kept = file.synced.max(turns.heads[&path]);
                let written = turns.ends.values().filter(|(segment, _)| *segment == path).map(|(_, end)| *end).max();
                lost += written.unwrap_or(kept).saturating_sub(kept);
                let file = fs::OpenOptions::new().write(true).open(&path).expect("it is there");
                file.set_len(kept).expect("it can be cut");
            } else if path.is_file() && !path.to_string_lossy().contains(".torn") {
                // Filled ahead, or a new one without a name.
                fs::remove_file(&path).expect("it can be removed");
            }
        }
        lost
    }
}

impl Turns {
    /// Those in a log's folder: read by the layout that is published, not by the program's own reader.
    fn of(log: &Path) -> Self {
        let mut turns = Self { ends: BTreeMap::new(), heads: BTreeMap::new() };
        for entry in fs::read_dir(log).expect("there is a log") {
            let path = entry.expect("it can be read").path();
            if path.extension().is_none_or(|kind| kind != "seg") {
                continue;
            }
            let bytes = fs::read(&path).expect("it can be read");
            let number =
                |at: usize| bytes.get(at..at + 4).map_or(0, |four| u32::from_le_bytes(four.try_into().expect("four")));
            let mut at = 28 + number(12) as usize;
            let mut offset = u64::from(number(16)) | u64::from(number(20)) << 32;
            turns.heads.insert(path.clone(), at as u64);
            // The top bit is a mark; a length of 0 with its checksum is a seal.
            while number(at) != 0 {
                let length = (number(at) & 0x7fff_ffff) as usize;
                at += 8 + length;
                if length > 0 && at <= bytes.len() {
                    turns.ends.insert(offset, (path.clone(), at as u64));
                    offset += 1;
                }
            }
        }
        turns
    }
}

/// The number at the start of arguments: that of a file.
fn number(arguments: &str) -> u64 {
    let end = arguments.find(|c: char| !c.is_ascii_digit()).unwrap_or(arguments.len());
    arguments[..end].parse().unwrap_or(u64::MAX)
}
