//! The keys by which tokens are signed: a secret that whoever makes tokens shares with us, and public keys that an identity
//! provider publishes and replaces as it likes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use actix_web::web;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, decode_header};
use tracing::{info, warn};

use super::crypto;
use super::token::{Claims, Denied, Expected};
use crate::fetch;
use crate::stamp::Stamp;

/// A secret has at least so many bytes: as many as what it signs with (RFC 7518, 3.2).
pub const LEAST_SECRET_BYTES: usize = 32;
/// A page of keys has at most so many bytes.
const MOST_BYTES: u64 = 1 << 20;
/// Public keys are fetched again when they are so old …
const FRESH: Duration = Duration::from_secs(300);
/// … or when a token names one that is not among them, but not for every token that claims so: a few times, and then this seldom.
const FETCH_EVERY: Duration = Duration::from_secs(10);
const FETCHES_AT_ONCE: u32 = 3;

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A secret that can be guessed.
    #[error("the secret has {bytes} bytes, and needs {LEAST_SECRET_BYTES}")]
    Short {
        /// How many it has.
        bytes: usize,
    },
    /// No keys where they should be.
    #[error("the public keys at {place} cannot be read: {cause}")]
    Unread {
        /// Where they should be.
        place: String,
        /// Why not.
        cause: String,
    },
    /// Keys, but none to verify a token with.
    #[error("there is no key at {place} that can verify tokens: RSA, P-256, P-384 or Ed25519, for signatures")]
    None {
        /// Where they are.
        place: String,
    },
    /// An address from which anybody on the way could answer.
    #[error("{place} is no https URL")]
    Plain {
        /// As given.
        place: String,
    },
}

/// A secret that makers of tokens share.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// These bytes, without white space at their end, which files have.
    pub fn of(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes = bytes.trim_ascii_end();
        if bytes.len() < LEAST_SECRET_BYTES {
            return Err(KeyError::Short { bytes: bytes.len() });
        }
        Ok(Self(bytes.to_vec()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Where public keys are published, as a JSON Web Key Set (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, read again when it changes.
    File(PathBuf),
    /// An https URL, fetched again now and then.
    Url(String),
}

impl Source {
    /// A URL if it looks like one, or else a file. Plain http is for this machine only.
    pub fn of(place: &str) -> Result<Self, KeyError> {
        let host = |rest: &str| rest.split(['/', '?']).next().unwrap_or_default().to_owned();
        match place.split_once("://") {
            Some(("https", _)) => Ok(Self::Url(place.to_owned())),
            Some(("http", rest)) if crate::origin::is_this_machine(&host(rest)) => Ok(Self::Url(place.to_owned())),
            Some(_) => Err(KeyError::Plain { place: place.to_owned() }),
            None => Ok(Self::File(place.into())),
        }
    }

    fn place(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Url(url) => url.clone(),
        }
    }

    /// By which it is seen whether it was replaced, where that can be asked at every request.
    fn stamp(&self) -> Option<Stamp> {
        match self {
            Self::File(path) => Stamp::of(path),
            Self::Url(_) => None,
        }
    }

    fn read(&self) -> Result<Vec<PublicKey>, KeyError> {
        let unread = |cause: String| KeyError::Unread { place: self.place(), cause };
        let text = match self {
            Self::File(path) => std::fs::read(path).map_err(|cause| unread(cause.to_string()))?,
            Self::Url(url) => fetch::get(url, MOST_BYTES).map_err(unread)?,
        };
        let set: JwkSet = serde_json::from_slice(&text).map_err(|cause| unread(cause.to_string()))?;
        let keys: Vec<PublicKey> = set.keys.iter().filter_map(PublicKey::of).collect();
        if keys.is_empty() { Err(KeyError::None { place: self.place() }) } else { Ok(keys) }
    }
}

struct PublicKey {
    id: Option<String>,
    /// The one way in which it signs: a token does not choose.
    algorithm: Algorithm,
    key: DecodingKey,
}

impl PublicKey {
    fn of(jwk: &Jwk) -> Option<Self> {
        if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_))) {
            return None;
        }
        let by_kind = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
            AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P384 => Algorithm::ES384,
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
            // A secret that is published is none.
            _ => return None,
        };
        let named = |named: KeyAlgorithm| Algorithm::try_from(named).ok();
        let algorithm = jwk.common.key_algorithm.map_or(Some(by_kind), named)?;
        if !crypto::PUBLIC.contains(&algorithm) || algorithm.family() != by_kind.family() {
            return None;
        }
        Some(Self { id: jwk.common.key_id.clone(), algorithm, key: DecodingKey::from_jwk(jwk).ok()? })
    }
}

/// Public keys that are published somewhere.
struct Published {
    source: Source,
    held: RwLock<Held>,
    /// The fetches that unknown keys may still cause, and since when.
    fetches: Mutex<(u32, Instant)>,
    /// One at a time fetches.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Held {
    keys: Arc<[PublicKey]>,
    read: Instant,
    stamp: Option<Stamp>,
}

impl Held {
    /// The key by which a token says that it is signed. One that names none is meant for the only one of its kind.
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&PublicKey> {
        let mut fitting =
            self.keys.iter().filter(|key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id));
        let first = fitting.next()?;
        fitting.next().is_none().then_some(first)
    }
}

impl Published {
    fn open(source: Source) -> Result<Self, KeyError> {
        let stamp = source.stamp();
        let held = Held { keys: source.read()?.into(), read: Instant::now(), stamp };
        Ok(Self {
            source,
            held: RwLock::new(held),
            fetches: Mutex::new((FETCHES_AT_ONCE, Instant::now())),
            fetching: tokio::sync::Mutex::new(()),
        })
    }

    fn held(&self) -> Held {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the keys again. Those that are there stay if it fails: a provider that is away for a while locks nobody out.
    fn read_again(&self) {
        let stamp = self.source.stamp();
        let read = self.source.read();
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(keys) => {
                info!(keys = keys.len(), "the public keys were read again");
                held.keys = keys.into();
            }
            Err(why) => warn!(%why, "the public keys were not read again, the old ones stay"),
        }
        (held.read, held.stamp) = (Instant::now(), stamp);
    }

    /// Reads them again beside the thread that serves requests, unless somebody else has since `before`.
    async fn refresh(self: &Arc<Self>, before: Instant) {
        let _only = self.fetching.lock().await;
        if self.held().read > before {
            return;
        }
        let keys = self.clone();
        if let Err(why) = web::block(move || keys.read_again()).await {
            warn!(%why, "the public keys were not read again, the old ones stay");
        }
    }

    /// Whether a key that is not known may be looked for once more.
    fn may_fetch(&self) -> bool {
        let mut fetches = self.fetches.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = *fetches;
        let more = (since.elapsed().as_secs() / FETCH_EVERY.as_secs()) as u32;
        let left = left.saturating_add(more).min(FETCHES_AT_ONCE);
        if left == 0 {
            return false;
        }
        *fetches = (left - 1, if more > 0 { Instant::now() } else { since });
        true
    }

    async fn verify(
        self: &Arc<Self>,
        token: &str,
        id: Option<&str>,
        algorithm: Algorithm,
        expected: &Expected,
    ) -> Result<Claims, Denied> {
        let mut held = self.held();
        if self.source.stamp() != held.stamp {
            self.refresh(held.read).await;
            held = self.held();
        } else if held.stamp.is_none() && held.read.elapsed() > FRESH {
            // This request does not wait for it.
            let (keys, read) = (self.clone(), held.read);
            actix_web::rt::spawn(async move { keys.refresh(read).await });
        }
        if held.find(id, algorithm).is_none() && held.stamp.is_none() && self.may_fetch() {
            self.refresh(held.read).await;
            held = self.held();
        }
        let key = held.find(id, algorithm).ok_or(Denied::Key)?;
        expected.verify(token, &key.key, key.algorithm)
    }
}

/// All keys by which tokens may be signed, and what is demanded of tokens.
pub struct Keys {
    secret: Option<DecodingKey>,
    published: Option<Arc<Published>>,
    expected: Expected,
}

impl Keys {
    /// A secret, public keys, or both; public keys are read, so that it is known that they can be.
    pub fn open(secret: Option<&Secret>, published: Option<Source>, expected: Expected) -> Result<Self, KeyError> {
        crypto::install();
        let key = |secret: &Secret| DecodingKey::from_secret(secret.bytes()).expect("a secret is not empty");
        let published = published.map(Published::open).transpose()?.map(Arc::new);
        Ok(Self { secret: secret.map(key), published, expected })
    }

    /// What a token says, if it is genuine and good now.
    pub(super) async fn verify(&self, token: &str) -> Result<Claims, Denied> {
        let header = decode_header(token).map_err(|_| Denied::Form)?;
        match (header.alg, &self.secret, &self.published) {
            (Algorithm::HS256, Some(secret), _) => self.expected.verify(token, secret, Algorithm::HS256),
            (algorithm, _, Some(published)) if crypto::PUBLIC.contains(&algorithm) => {
                published.verify(token, header.kid.as_deref(), algorithm, &self.expected).await
            }
            _ => Err(Denied::Algorithm),
        }
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}
