//! Which commands were taken: same key and content, the first answer again; same key, other content, a conflict.

use crate::domain::{Key, Offset};
use hansom_geo_index::Millis;
use std::collections::{BTreeMap, VecDeque};

/// What is remembered of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyEntry {
    /// Fingerprint of its content.
    pub fingerprint: u64,
    /// The turn that answered it.
    pub offset: Offset,
}

/// The keys that are remembered. Those of ride and offer commands live with the ride, the others for a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    entries: BTreeMap<Key, KeyEntry>,
    creation: VecDeque<(Millis, Key)>,
    /// When the oldest creation keys leave.
    pub(crate) expiry_due: Option<Millis>,
}

impl Keys {
    pub(crate) fn of(
        entries: impl IntoIterator<Item = (Key, KeyEntry)>,
        creation: Vec<(Millis, Key)>,
        expiry_due: Option<Millis>,
    ) -> Self {
        Self { entries: entries.into_iter().collect(), creation: creation.into(), expiry_due }
    }

    /// What is remembered of `key`.
    pub fn get(&self, key: Key) -> Option<KeyEntry> {
        self.entries.get(&key).copied()
    }

    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All keys with what is remembered of them, in order of key.
    pub fn iter(&self) -> impl Iterator<Item = (Key, KeyEntry)> + '_ {
        self.entries.iter().map(|(key, entry)| (*key, *entry))
    }

    /// The creation keys, oldest first, each with when it was taken.
    pub fn creation(&self) -> impl Iterator<Item = (Millis, Key)> + '_ {
        self.creation.iter().copied()
    }

    /// When the oldest creation key was taken.
    pub fn oldest_creation(&self) -> Option<Millis> {
        self.creation.front().map(|(at, _)| *at)
    }

    pub(crate) fn insert(&mut self, key: Key, entry: KeyEntry) {
        self.entries.insert(key, entry);
    }

    pub(crate) fn insert_creation(&mut self, at: Millis, key: Key, entry: KeyEntry) {
        self.entries.insert(key, entry);
        self.creation.push_back((at, key));
    }

    pub(crate) fn remove(&mut self, key: Key) {
        self.entries.remove(&key);
    }

    pub(crate) fn expire_creation(&mut self, before: Millis) {
        while self.creation.front().is_some_and(|(at, _)| *at < before) {
            if let Some((_, key)) = self.creation.pop_front() {
                self.entries.remove(&key);
            }
        }
    }
}
