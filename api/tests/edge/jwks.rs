//! Public keys that somebody else publishes: by each kind of key, in a file or at a URL, and as they are replaced.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};

use hansom_api::auth::{Expected, Gate, KeyError, Keys, Limits, Rate, Source};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use crate::served::Served;
use crate::tokens::{SECRET, answer, base64, claims, hs, secret, token};

/// Signs a message.
type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// A key of an identity provider: what is published of it, and how it signs.
struct Provider {
    jwk: Value,
    algorithm: &'static str,
    sign: Sign,
}

impl Provider {
    fn elliptic(id: &str, how: &'static EcdsaSigningAlgorithm, algorithm: &'static str, curve: &str) -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(how, &random).expect("chance");
        let key = EcdsaKeyPair::from_pkcs8(how, key.as_ref(), &random).expect("it was just made");
        let point = &key.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        let jwk = json!({ "kty": "EC", "crv": curve, "kid": id, "use": "sig", "x": base64(x), "y": base64(y) });
        let sign = move |message: &[u8]| key.sign(&SystemRandom::new(), message).expect("chance").as_ref().to_vec();
        Self { jwk, algorithm, sign: Box::new(sign) }
    }

    fn p256(id: &str) -> Self {
        Self::elliptic(id, &ECDSA_P256_SHA256_FIXED_SIGNING, "ES256", "P-256")
    }

    fn p384(id: &str) -> Self {
        Self::elliptic(id, &ECDSA_P384_SHA384_FIXED_SIGNING, "ES384", "P-384")
    }

    fn ed25519(id: &str) -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("chance");
        let key = Ed25519KeyPair::from_pkcs8(key.as_ref()).expect("it was just made");
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": base64(key.public_key().as_ref()) });
        Self { jwk, algorithm: "EdDSA", sign: Box::new(move |message| key.sign(message).as_ref().to_vec()) }
    }

    fn rsa(id: &str, how: &'static dyn RsaEncoding, algorithm: &'static str) -> Self {
        let der = PrivateKeyDer::from_pem_slice(include_bytes!("pem/rsa.key.pem")).expect("a key");
        let key = RsaKeyPair::from_pkcs8(der.secret_der()).expect("an RSA key");
        let PublicKeyComponents::<Vec<u8>> { n, e } = key.public().into();
        let jwk = json!({ "kty": "RSA", "alg": algorithm, "kid": id, "n": base64(&n), "e": base64(&e) });
        let sign = move |message: &[u8]| {
            let mut signature = vec![0; key.public().modulus_len()];
            key.sign(how, &SystemRandom::new(), message, &mut signature).expect("chance");
            signature
        };
        Self { jwk, algorithm, sign: Box::new(sign) }
    }

    fn id(&self) -> &str {
        self.jwk["kid"].as_str().expect("text")
    }

    /// A good token.
    fn token(&self) -> String {
        token(&json!({ "alg": self.algorithm, "kid": self.id() }), &claims(), |message| (self.sign)(message))
    }
}

fn set(keys: &[&Provider]) -> String {
    json!({ "keys": keys.iter().map(|key| key.jwk.clone()).collect::<Vec<_>>() }).to_string()
}

fn gate(source: Source) -> Result<Gate, KeyError> {
    let keys = Keys::open(Some(&secret()), Some(source), Expected::default())?;
    Ok(Gate::of(keys, Limits::new(Rate::SERVICES, Rate::SERVICES)))
}

fn file(data: &Path, text: &str) -> Source {
    std::fs::write(data.join("jwks.json"), text).expect("room");
    Source::File(data.join("jwks.json"))
}

#[test]
fn each_kind_of_key_lets_those_in_whose_tokens_it_signed_and_nobody_else() {
    let data = tempfile::tempdir().expect("a folder");
    let keys = [
        Provider::p256("a"),
        Provider::p384("b"),
        Provider::ed25519("c"),
        Provider::rsa("d", &RSA_PKCS1_SHA256, "RS256"),
        Provider::rsa("e", &RSA_PSS_SHA256, "PS256"),
    ];
    let text = set(&keys.iter().collect::<Vec<_>>());
    let town = Served::behind(gate(file(data.path(), &text)).expect("good keys"), data.path());
    for key in &keys {
        assert_eq!(answer(&town, &key.token()), (200, String::new()), "{}", key.algorithm);
        let unnamed = token(&json!({ "alg": key.algorithm }), &claims(), |message| (key.sign)(message));
        assert_eq!(answer(&town, &unnamed).0, 200, "the only key of its kind needs no name");
        let mut spoilt = key.token();
        spoilt.replace_range(spoilt.len() - 4.., "AAAA");
        assert_eq!(answer(&town, &spoilt).1, "the token's signature is wrong", "{}", key.algorithm);
        for other in keys.iter().filter(|other| other.id() != key.id()) {
            // It says that it is signed by another key, or in another way.
            let head = json!({ "alg": key.algorithm, "kid": other.id() });
            assert_eq!(answer(&town, &token(&head, &claims(), |message| (key.sign)(message))).0, 401);
            let head = json!({ "alg": other.algorithm, "kid": key.id() });
            assert_eq!(answer(&town, &token(&head, &claims(), |message| (key.sign)(message))).0, 401);
        }
    }
}

#[test]
fn what_everybody_knows_is_no_secret() {
    let data = tempfile::tempdir().expect("a folder");
    let (p256, rsa) = (Provider::p256("a"), Provider::rsa("b", &RSA_PKCS1_SHA256, "RS256"));
    // A secret in a set that is published would let everybody in.
    let shared = json!({ "kty": "oct", "alg": "HS256", "kid": "c", "k": base64(SECRET) });
    let others = b"a secret that stands in the set of keys";
    let other = json!({ "kty": "oct", "alg": "HS256", "kid": "d", "k": base64(others) });
    let text = json!({ "keys": [p256.jwk, rsa.jwk, shared, other] }).to_string();
    let town = Served::behind(gate(file(data.path(), &text)).expect("good keys"), data.path());
    let bytes = |provider: &Provider, field: &str| provider.jwk[field].as_str().expect("text").as_bytes().to_vec();
    let publics = [
        ("a", p256.jwk.to_string().into_bytes()),
        ("a", bytes(&p256, "x")),
        ("b", bytes(&rsa, "n")),
        ("b", rsa.jwk.to_string().into_bytes()),
        ("d", others.to_vec()),
    ];
    for (id, public) in publics {
        let head = json!({ "alg": "HS256", "kid": id });
        let forged = token(&head, &claims(), hs(ring::hmac::HMAC_SHA256, &public));
        assert_eq!(answer(&town, &forged), (401, "the token's signature is wrong".to_owned()));
    }
    // A key of the sender's own, in the token itself.
    let own = Provider::p256("a");
    let head = json!({ "alg": "ES256", "kid": "a", "jwk": own.jwk });
    let forged = token(&head, &claims(), |message| (own.sign)(message));
    assert_eq!(answer(&town, &forged), (401, "the token's signature is wrong".to_owned()));
}

#[test]
fn keys_in_a_file_are_replaced_at_once() {
    let data = tempfile::tempdir().expect("a folder");
    let (old, new) = (Provider::p256("old"), Provider::ed25519("new"));
    let source = file(data.path(), &set(&[&old]));
    let town = Served::behind(gate(source).expect("good keys"), data.path());
    assert_eq!((answer(&town, &old.token()).0, answer(&town, &new.token()).0), (200, 401));
    replace(data.path(), &set(&[&old, &new]));
    assert_eq!((answer(&town, &old.token()).0, answer(&town, &new.token()).0), (200, 200));
    replace(data.path(), &set(&[&new]));
    let unknown = "the token is signed by a key that is not known here";
    assert_eq!(answer(&town, &old.token()), (401, unknown.to_owned()));
    assert_eq!(answer(&town, &new.token()).0, 200);
    // What cannot be read changes nothing.
    replace(data.path(), "{");
    assert_eq!((answer(&town, &old.token()).0, answer(&town, &new.token()).0), (401, 200));
}

/// As programs do that mean well: nobody sees a half of it.
fn replace(data: &Path, text: &str) {
    std::fs::write(data.join("next"), text).expect("room");
    std::fs::rename(data.join("next"), data.join("jwks.json")).expect("the same folder");
}

/// A provider at a URL: what it says, and how often it was asked.
struct Site {
    address: SocketAddr,
    says: Arc<Mutex<(String, u32)>>,
}

impl Site {
    fn new(text: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has one");
        let says = Arc::new(Mutex::new((text, 0)));
        let shared = says.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                // Whoever hangs up has heard enough.
                let _ = lines.by_ref().find(String::is_empty);
                let mut says = shared.lock().expect("nobody panicked");
                says.1 += 1;
                let _ = write!(
                    &stream,
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
                    says.0.len(),
                    says.0
                );
            }
        });
        Self { address, says }
    }

    fn source(&self) -> Source {
        Source::of(&format!("http://{}/jwks.json", self.address)).expect("this machine")
    }

    fn asked(&self) -> u32 {
        self.says.lock().expect("nobody panicked").1
    }
}

#[test]
fn keys_at_a_url_are_fetched_when_a_token_names_a_new_one_but_not_for_everybody_who_says_so() {
    let data = tempfile::tempdir().expect("a folder");
    let (old, new) = (Provider::p256("old"), Provider::p256("new"));
    let site = Site::new(set(&[&old]));
    let town = Served::behind(gate(site.source()).expect("good keys"), data.path());
    assert_eq!((answer(&town, &old.token()).0, site.asked()), (200, 1));
    site.says.lock().expect("nobody panicked").0 = set(&[&new]);
    assert_eq!((answer(&town, &new.token()).0, site.asked()), (200, 2));
    assert_eq!((answer(&town, &old.token()).0, site.asked()), (401, 3), "the old one may have come back");
    for n in 0..200 {
        assert_eq!(answer(&town, &Provider::ed25519(&format!("k{n}")).token()).0, 401);
    }
    // A few at once, and one more each ten seconds.
    assert!(site.asked() < 10, "it was asked {} times", site.asked());
    assert_eq!(answer(&town, &new.token()).0, 200);
}

#[test]
fn keys_that_cannot_be_used_are_explained() {
    let data = tempfile::tempdir().expect("a folder");
    let nowhere = Source::File(data.path().join("nowhere"));
    assert!(matches!(gate(nowhere), Err(KeyError::Unread { .. })));
    for text in ["", "[]", "{\"keys\":7}"] {
        assert!(matches!(gate(file(data.path(), text)), Err(KeyError::Unread { .. })), "{text}");
    }
    let mut encrypts = Provider::p256("a").jwk;
    encrypts["use"] = json!("enc");
    let mut confused = Provider::p256("a").jwk;
    confused["alg"] = json!("HS256");
    let strange = json!({ "kty": "of the future", "kid": "a" });
    let long = json!({ "kty": "RSA", "alg": "RS512", "n": "AQAB", "e": "AQAB" });
    for key in [encrypts, confused, strange, long] {
        let text = json!({ "keys": [key] }).to_string();
        assert!(matches!(gate(file(data.path(), &text)), Err(KeyError::None { .. })), "{text}");
    }
    for place in ["http://example.org/jwks.json", "ftp://localhost/jwks.json", "http://localhost.example.org/"] {
        assert!(matches!(Source::of(place), Err(KeyError::Plain { .. })), "{place}");
    }
    assert_eq!(Source::of("keys/jwks.json").expect("a file"), Source::File("keys/jwks.json".into()));
}
