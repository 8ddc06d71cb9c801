//! The signatures of tokens, by the library that TLS is made with too.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result, new_error};
use jsonwebtoken::signature::{Error, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| Ok(Box::new(Sign::new(*algorithm, key)?)),
    verifier_factory: |algorithm, key| Ok(Box::new(Verify::new(*algorithm, key)?)),
    // For keys that are made into JWKs, which none is here.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Has tokens signed and verified by this module.
pub(super) fn install() {
    // Installed already is as good.
    let _ = PROVIDER.install_default();
}

/// What public keys may sign with. Others, and `none` above all, are not known here.
pub(super) const PUBLIC: [Algorithm; 5] =
    [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];

struct Sign {
    key: hmac::Key,
}

impl Sign {
    fn new(algorithm: Algorithm, key: &EncodingKey) -> Result<Self> {
        if algorithm != Algorithm::HS256 || key.family() != algorithm.family() {
            return Err(new_error(ErrorKind::UnsupportedAlgorithm));
        }
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()) })
    }
}

impl Signer<Vec<u8>> for Sign {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        Ok(hmac::sign(&self.key, message).as_ref().to_vec())
    }
}

impl JwtSigner for Sign {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

struct Verify {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Verify {
    fn new(algorithm: Algorithm, key: &DecodingKey) -> Result<Self> {
        let known = algorithm == Algorithm::HS256 || PUBLIC.contains(&algorithm);
        // A public key taken for a secret is how a token is forged that everybody can sign.
        if !known || key.family() != algorithm.family() {
            return Err(new_error(ErrorKind::InvalidAlgorithm));
        }
        Ok(Self { algorithm, key: key.clone() })
    }
}

impl Verifier<Vec<u8>> for Verify {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let rsa = |how: &RsaParameters| match self.key.kind() {
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(how, message, signature).is_ok()
            }
            DecodingKeyKind::SecretOrDer(_) => false,
        };
        let bytes = self.key.try_get_as_bytes().unwrap_or_default();
        let point = |how: &'static dyn VerificationAlgorithm| {
            UnparsedPublicKey::new(how, bytes).verify(message, signature).is_ok()
        };
        let genuine = match self.algorithm {
            Algorithm::HS256 => hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, bytes), message, signature).is_ok(),
            Algorithm::RS256 => rsa(&RSA_PKCS1_2048_8192_SHA256),
            Algorithm::PS256 => rsa(&RSA_PSS_2048_8192_SHA256),
            Algorithm::ES256 => point(&ECDSA_P256_SHA256_FIXED),
            Algorithm::ES384 => point(&ECDSA_P384_SHA384_FIXED),
            Algorithm::EdDSA => point(&ED25519),
            _ => false,
        };
        if genuine { Ok(()) } else { Err(Error::new()) }
    }
}

impl JwtVerifier for Verify {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
