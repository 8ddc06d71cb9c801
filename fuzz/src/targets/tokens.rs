//! Tokens, and pages of the keys that sign them.

use super::{Desk, Target, as_it_is, at_once};
use hansom_api::auth::{Denied, Expected, Gate, Keys, Limits, Rate, Secret, Source, bearer};
use ring::hmac;

const SECRET: &[u8] = b"a secret that everybody may read";

/// Letters of base64url.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn base64(bytes: &[u8]) -> String {
    let triple = |triple: &[u8]| {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(triple.get(at).copied().unwrap_or_default()));
        (0..=triple.len()).map(move |at| char::from(LETTERS[(bits >> (18 - 6 * at)) as usize % 64])).collect::<String>()
    };
    bytes.chunks(3).map(triple).collect()
}

/// A token's header and claims in a line each: what stands in the token, which is signed before it is tried. Without a line's end: what
/// stands in the header of a request.
const SIGNED: [&str; 3] = [
    "{\"alg\":\"HS256\"}\n{\"sub\":\"ann\",\"aud\":\"hansom\",\"exp\":9999999999}",
    "{\"typ\":\"JWT\",\"alg\":\"HS256\",\"kid\":\"a\",\"x\":[]}\n{\"sub\":\"olga\",\"aud\":[\"other\",\"hansom\"],\
        \"exp\":9999999999.5,\"nbf\":0,\"iat\":1,\"roles\":[\"operator\",\"rider\"],\"markets\":[\"town\"],\"iss\":null}",
    "Bearer eyJhbGciOiJIUzI1NiJ9.\
        eyJzdWIiOiJhbm4iLCJhdWQiOiJoYW5zb20iLCJleHAiOjk5OTk5OTk5OTl9.",
];

const WORDS: &[&str] = &[
    "\n",
    ".",
    "Bearer ",
    "\"alg\":\"none\"",
    "\"alg\":\"RS256\"",
    "\"alg\":\"ES256\"",
    "\"alg\":\"EdDSA\"",
    "\"kid\":\"\"",
    "\"crit\":[\"exp\"]",
    "\"jwk\":{}",
    "\"exp\":1e400",
    "\"exp\":-1",
    "\"exp\":18446744073709551616",
    "\"nbf\":9999999999",
    "\"aud\":null",
    "\"roles\":null",
    "\"markets\":[]",
    "\"sub\":\"\"",
    "\\u0000",
    "\"service\"",
];

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = SIGNED.map(str::to_owned);
    let Some((_, token)) = seeds[2].split_once(' ') else { panic!("a scheme and a token") };
    let signature = sign(token.trim_end_matches('.'));
    seeds[2].push_str(&signature);
    seeds.map(String::into_bytes).into()
}

fn sign(content: &str) -> String {
    base64(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), content.as_bytes()).as_ref())
}

fn token(gate: &Gate, bytes: &[u8]) -> bool {
    let parts = bytes.iter().position(|byte| *byte == b'\n').map(|end| (&bytes[..end], &bytes[end + 1..]));
    let admitted = if let Some((header, claims)) = parts {
        let content = format!("{}.{}", base64(header), base64(claims));
        at_once(gate.admit(Some(&format!("{content}.{}", sign(&content)))))
    } else {
        let Ok(header) = std::str::from_utf8(bytes) else { return false };
        at_once(gate.admit(bearer(header)))
    };
    match admitted {
        Ok(_) => true,
        Err(why) => {
            assert!(parts.is_none() || !matches!(why, Denied::Missing | Denied::Signature), "it was signed");
            false
        }
    }
}

/// Pages as identity providers have them; the keys are those of RFC 7517 and RFC 8037.
const PAGES: [&str; 2] = [
    r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a","use":"sig","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"},
        {"kty":"OKP","crv":"Ed25519","kid":"b","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}]}"#,
    r#"{"keys":[{"kty":"EC","crv":"P-384","x":"AAAA","y":"AAAA","alg":"ES384"},
{"kty":"RSA","alg":"PS256","kid":"c","key_ops":["verify"],"x5c":[],"e":"AQAB","n":"
0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok
njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu
6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a
wapJzKnqDKgw"}]}"#,
];

fn pages() -> Vec<Vec<u8>> {
    // The long number stands in several lines here, which it does not on a page.
    let whole = PAGES[1].replace('\n', "");
    vec![PAGES[0].as_bytes().to_vec(), whole.into_bytes()]
}

const KEY_WORDS: &[&str] = &[
    "RSA",
    "EC",
    "OKP",
    "oct",
    "P-256",
    "P-384",
    "P-521",
    "Ed25519",
    "RS256",
    "PS256",
    "ES384",
    "EdDSA",
    "HS256",
    "RSA-OAEP",
    "sig",
    "enc",
    "null",
    "\"alg\":\"ES384\",",
    "\"use\":\"enc\",",
    "\"kid\":null",
    "\"n\":\"\"",
    "\"e\":\"AQ\"",
    "AAAA",
    "{\"keys\":[",
    ",",
];

/// Headers of tokens that say how each kind of key signs.
const WAYS: [&str; 5] = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];

/// Whether there is a key to verify tokens with. It verifies none that it has not signed.
fn page(desk: &Desk, forged: &[String], bytes: &[u8]) -> bool {
    let source = Source::File(desk.put(bytes).to_owned());
    let Ok(keys) = Keys::open(None, Some(source), Expected::default()) else { return false };
    let gate = Gate::of(keys, Limits::new(Rate::PEOPLE, Rate::SERVICES));
    for token in forged {
        assert!(at_once(gate.admit(Some(token))).is_err(), "nobody has signed it");
    }
    true
}

pub fn targets() -> Vec<Target> {
    let secret = Secret::of(SECRET).expect("it is long enough");
    let keys = Keys::open(Some(&secret), None, Expected::default()).expect("a secret");
    let gate = Gate::of(keys, Limits::new(Rate::PEOPLE, Rate::SERVICES));
    let desk = Desk::new("keys.json");
    let claims = base64(br#"{"sub":"ann","aud":"hansom","exp":9999999999}"#);
    let forge = |way| format!("{}.{claims}.{}", base64(format!(r#"{{"alg":"{way}"}}"#).as_bytes()), base64(&[7; 64]));
    let forged = WAYS.map(forge);
    let target = |name, seeds, words, run| Target { name, seeds, mend: as_it_is, words, most_bytes: 4 << 10, run };
    vec![
        target("token", seeds as fn() -> _, WORDS, Box::new(move |bytes: &[u8]| token(&gate, bytes))),
        target("keys", pages, KEY_WORDS, Box::new(move |bytes: &[u8]| page(&desk, &forged, bytes))),
    ]
}
