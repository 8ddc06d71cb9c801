//! Whom a request speaks for.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hansom_engine::Name;

use super::limits::{Bucket, Limited, Limits};
use super::token::{Claims, LEEWAY_S};

/// What somebody is to the markets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Asks for rides and cancels them, in their own name.
    Rider,
    /// Drives, in their own name.
    Driver,
    /// Looks after the markets: reads all, and gives any order.
    Operator,
    /// A program in between, such as a gateway: gives orders for anybody, and reads all.
    Service,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rider, Self::Driver, Self::Operator, Self::Service];

    /// Its word in a token.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rider => "rider",
            Self::Driver => "driver",
            Self::Operator => "operator",
            Self::Service => "service",
        }
    }

    /// The role of this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Roles(u8);

impl Roles {
    fn of(roles: impl IntoIterator<Item = Role>) -> Self {
        Self(roles.into_iter().fold(0, |set, role| set | 1 << role as u8))
    }

    fn has(self, role: Role) -> bool {
        self.0 & 1 << role as u8 != 0
    }
}

/// Whom a request speaks for, and what that one is.
#[derive(Clone)]
pub struct Principal {
    name: Name,
    roles: Roles,
    /// `None`: every market.
    markets: Option<Arc<[Box<str>]>>,
    /// `None`: for ever.
    until: Option<SystemTime>,
    /// `None`: as often as it likes.
    bucket: Option<Arc<Bucket>>,
}

impl Principal {
    /// Whoever reaches a gate that stands open: all roles, all markets, for ever.
    pub fn anybody() -> Self {
        Self { name: "anybody".into(), roles: Roles::of(Role::ALL), markets: None, until: None, bucket: None }
    }

    /// Whom a token speaks for, within limits that are for all.
    pub(super) fn of(claims: Claims, limits: &Limits) -> Self {
        let mut principal = Self {
            roles: Roles::of(claims.roles.iter().filter_map(|word| Role::of(word))),
            name: Name(claims.sub.into()),
            markets: claims.markets.map(|markets| markets.into_iter().map(Into::into).collect()),
            until: UNIX_EPOCH.checked_add(Duration::from_secs(claims.exp.saturating_add(LEEWAY_S))),
            bucket: None,
        };
        principal.bucket = Some(limits.of(&principal.name, principal.is_staff()));
        principal
    }

    /// Its name: a rider's or a driver's where it is one.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Whether it has this role.
    pub fn is(&self, role: Role) -> bool {
        self.roles.has(role)
    }

    /// Whether it speaks for everybody: an operator or a service.
    pub fn is_staff(&self) -> bool {
        self.is(Role::Operator) || self.is(Role::Service)
    }

    /// Whether it has any role at all.
    pub fn has_role(&self) -> bool {
        self.roles != Roles(0)
    }

    /// Whether this market is one of its own.
    pub fn is_of(&self, market: &str) -> bool {
        self.markets.as_ref().is_none_or(|markets| markets.iter().any(|name| **name == *market))
    }

    /// Whether every market is its own.
    pub fn is_of_all(&self) -> bool {
        self.markets.is_none()
    }

    /// How long it may still read what it reads; `None`: for ever.
    pub fn left(&self) -> Option<Duration> {
        let until = self.until?;
        Some(until.duration_since(SystemTime::now()).unwrap_or_default())
    }

    /// Counts so much work against what it may do in a while.
    pub fn spend(&self, work: u32) -> Result<(), Limited> {
        self.bucket.as_ref().map_or(Ok(()), |bucket| bucket.take(work))
    }

    /// Counts one after another against what it may do in a while, at most `most`: how many, and why no more.
    pub fn spend_some(&self, most: u32) -> (u32, Result<(), Limited>) {
        self.bucket.as_ref().map_or((most, Ok(())), |bucket| bucket.take_some(most))
    }

    /// Takes back that work was counted.
    pub fn refund(&self, work: u32) {
        if let Some(bucket) = &self.bucket {
            bucket.put_back(work);
        }
    }
}

/// Without its name, which is nobody's business in a log.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles: Vec<&str> = Role::ALL.into_iter().filter(|role| self.is(*role)).map(Role::word).collect();
        f.debug_struct("Principal").field("roles", &roles).finish_non_exhaustive()
    }
}
