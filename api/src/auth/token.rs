//! Tokens: what stands in them, what is demanded of them, and how one is made.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode};
use serde::{Deserialize, Serialize};

use super::crypto;
use super::keys::Secret;
use super::principal::Role;

/// Whom tokens are for, unless it is said otherwise.
pub const AUDIENCE: &str = "hansom";
/// Clocks may differ by so many seconds.
pub(super) const LEEWAY_S: u64 = 30;
/// A name has at most so many bytes, as one in an order.
const LONGEST_NAME: usize = 64;

/// What a token says of whom it speaks for.
#[derive(Clone, Deserialize)]
pub struct Claims {
    /// Its name; a rider's or driver's name in the markets.
    pub sub: String,
    /// What it is, in the words of [`Role`]; others are another program's business.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The markets it has to do with; `None`: all.
    #[serde(default)]
    pub markets: Option<Vec<String>>,
    /// Until when it is good, in seconds since 1970.
    #[serde(deserialize_with = "seconds")]
    pub exp: u64,
}

/// Whole seconds: some write them with a fraction.
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(f64::deserialize(deserializer)?.max(0.0) as u64)
}

/// Why a token lets nobody in. What it says is not repeated: answers and logs are read by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is none.
    #[error("a bearer token is needed: `Authorization: Bearer …`")]
    Missing,
    /// It is no JWT, or lacks what has to be in it.
    #[error("the token is not a JWT with `sub`, `exp` and `aud`")]
    Form,
    /// It is signed in a way that is not taken here.
    #[error("the token is signed by an algorithm that is not taken here")]
    Algorithm,
    /// Nobody knows the key.
    #[error("the token is signed by a key that is not known here")]
    Key,
    /// Its signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// It was good once.
    #[error("the token has expired")]
    Expired,
    /// It will be good some time.
    #[error("the token is not valid yet")]
    Early,
    /// It is for others.
    #[error("the token is for another audience")]
    Audience,
    /// It is from others.
    #[error("the token is from another issuer")]
    Issuer,
    /// Its `sub` can be nobody's name.
    #[error("the token's `sub` is not a name of 1 to 64 bytes without white space")]
    Name,
}

/// What is demanded of tokens besides a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Whom they are for.
    pub audience: String,
    /// Whom they are from, if that matters.
    pub issuer: Option<String>,
}

impl Default for Expected {
    fn default() -> Self {
        Self { audience: AUDIENCE.to_owned(), issuer: None }
    }
}

impl Expected {
    /// What a token says, if it is signed by this key in this way and good now.
    pub(super) fn verify(&self, token: &str, key: &DecodingKey, algorithm: Algorithm) -> Result<Claims, Denied> {
        let mut wanted = Validation::new(algorithm);
        wanted.leeway = LEEWAY_S;
        wanted.validate_nbf = true;
        wanted.set_audience(&[&self.audience]);
        let mut required = vec!["exp", "sub", "aud"];
        if let Some(issuer) = &self.issuer {
            wanted.set_issuer(&[issuer]);
            required.push("iss");
        }
        wanted.set_required_spec_claims(&required);
        let claims = decode::<Claims>(token, key, &wanted).map_err(|why| denied(why.kind()))?.claims;
        let free = |letter: char| letter.is_whitespace() || letter.is_control();
        if claims.sub.is_empty() || claims.sub.len() > LONGEST_NAME || claims.sub.contains(free) {
            return Err(Denied::Name);
        }
        Ok(claims)
    }
}

fn denied(why: &ErrorKind) -> Denied {
    match why {
        ErrorKind::ExpiredSignature => Denied::Expired,
        ErrorKind::ImmatureSignature => Denied::Early,
        ErrorKind::InvalidAudience => Denied::Audience,
        ErrorKind::InvalidIssuer => Denied::Issuer,
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => Denied::Algorithm,
        ErrorKind::InvalidSignature => Denied::Signature,
        _ => Denied::Form,
    }
}

/// A token to be made.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Whom it speaks for.
    pub name: String,
    /// What that one is.
    pub roles: Vec<Role>,
    /// The markets it has to do with; none: all.
    pub markets: Vec<String>,
    /// How long it is good.
    pub life: Duration,
    /// Whom it is for and from.
    pub expected: Expected,
}

#[derive(Serialize)]
struct Minted<'a> {
    sub: &'a str,
    roles: Vec<&'static str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    markets: &'a [String],
    aud: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    iat: u64,
    exp: u64,
}

/// Makes a token and signs it with a secret.
pub fn mint(secret: &Secret, grant: &Grant) -> String {
    crypto::install();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let minted = Minted {
        sub: &grant.name,
        roles: grant.roles.iter().map(|role| role.word()).collect(),
        markets: &grant.markets,
        aud: &grant.expected.audience,
        iss: grant.expected.issuer.as_deref(),
        iat: now,
        exp: now.saturating_add(grant.life.as_secs()),
    };
    let key = EncodingKey::from_secret(secret.bytes()).expect("a secret is not empty");
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &minted, &key).expect("strings and numbers are JSON")
}
