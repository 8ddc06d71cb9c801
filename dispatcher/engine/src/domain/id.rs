//! Identities. Inside the engine they are dense integers; the outside's names are opaque strings.

use hansom_geo_index::Millis;
use std::fmt;

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

numbered!(
    /// A ride, numbered from 1 in order of request; a refused request takes a number too.
    RideId
);
numbered!(
    /// A driver, numbered from 0 in order of first appearance.
    ///
    /// Tables of drivers are dense, and a driver who is forgotten leaves his place in them to the next new one. That one's
    /// number is another: its low 20 bits are the place, those above count who had it before. So a number means one driver
    /// as long as anything is remembered of him: it comes again when its place was left 4,096 times.
    DriverId
);

impl RideId {
    /// Its place in a table of all rides.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl DriverId {
    /// So many drivers can be known at once.
    pub const MOST: usize = 1 << 20;

    /// His place in a dense table, which nobody else has at the same time.
    pub const fn index(self) -> usize {
        self.0 as usize % Self::MOST
    }

    /// The number of who gets the place next.
    #[must_use]
    pub const fn heir(self) -> Self {
        Self(self.0.wrapping_add(Self::MOST as u32))
    }
}

/// Which offer of a ride is meant: counts the offers of that ride, from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Where a turn is in its market's log: 0, 1, 2, …
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub u64);

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Which device of a driver speaks: counts the sessions of a shift, from 1. Opening a newer one ends the older.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(pub u32);

impl Session {
    /// The one that the start of a shift opens.
    pub const FIRST: Self = Self(1);
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What makes a command unique: chosen by the sender, the same in every retry. `UUIDv7` for commands that create.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u128);

impl Key {
    /// When it was made, if it is a `UUIDv7`: the first 48 bits are ms since 1970.
    pub const fn made_at(self) -> Option<Millis> {
        const VERSION: u128 = 7;
        if (self.0 >> 76) & 0xf == VERSION { Some(Millis((self.0 >> 80) as i64)) } else { None }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// An opaque name given by the outside to a rider or driver. Never a person's name, phone number or free text.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub Box<str>);

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
