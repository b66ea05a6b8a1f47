//! Signatures, checked by the library that TLS uses here too.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::error::Unspecified;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use signature::Verifier;

/// Nothing is signed here, and no shared secret is taken: whoever could check
/// such a signature could also make one.
static CHECKS: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Has tokens of this process checked here; the first call counts.
pub(super) fn install() {
    let _installed_already = CHECKS.install_default();
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let known = ecdsa_or_ed(*algorithm).is_some() || rsa(*algorithm).is_some();
    if !known {
        return Err(ErrorKind::UnsupportedAlgorithm.into());
    }
    Ok(Box::new(Checking { algorithm: *algorithm, key: key.clone() }))
}

struct Checking {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl JwtVerifier for Checking {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for Checking {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        check(self.algorithm, self.key.kind(), message, signature).map_err(|_| signature::Error::new())
    }
}

fn check(
    algorithm: Algorithm,
    key: &DecodingKeyKind,
    message: &[u8],
    signature: &[u8],
) -> std::result::Result<(), Unspecified> {
    match key {
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            let parameters = rsa(algorithm).ok_or(Unspecified)?;
            RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
        }
        DecodingKeyKind::SecretOrDer(point) => {
            let parameters = ecdsa_or_ed(algorithm).ok_or(Unspecified)?;
            UnparsedPublicKey::new(parameters, point).verify(message, signature)
        }
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::RS256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Some(&RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Some(&RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Some(&RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}

fn ecdsa_or_ed(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    match algorithm {
        Algorithm::ES256 => Some(&ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Some(&ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => Some(&ED25519),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::Jwk;
    use serde_json::Value;

    use super::*;

    /// Made with `openssl dgst`: what was signed, public keys, and one signature
    /// for each algorithm, in base64url.
    const SIGNED: &str = include_str!("signatures.json");

    fn holds(algorithm: Algorithm, key: &Jwk, message: &[u8], signature: &str) -> bool {
        let key = DecodingKey::from_jwk(key).unwrap();
        jsonwebtoken::crypto::verify(signature, message, &key, algorithm).unwrap()
    }

    #[test]
    fn what_others_signed_is_known_and_nothing_else() {
        install();
        let signed: Value = serde_json::from_str(SIGNED).unwrap();
        let message = signed["message"].as_str().unwrap().as_bytes();
        let cases = signed["signatures"].as_object().unwrap();
        assert_eq!(cases.len(), 9);
        for (name, case) in cases {
            let algorithm: Algorithm = name.parse().unwrap();
            let key: Jwk =
                serde_json::from_value(signed["keys"][case["key"].as_str().unwrap()].clone()).unwrap();
            let signature = case["signature"].as_str().unwrap();
            assert!(holds(algorithm, &key, message, signature), "{name}");
            assert!(!holds(algorithm, &key, b"something else", signature), "{name}");
            let others = cases.iter().filter(|(other, _)| *other != name);
            for (other, case) in others {
                let signature = case["signature"].as_str().unwrap();
                assert!(!holds(algorithm, &key, message, signature), "{name} takes a signature of {other}");
            }
        }
    }

    #[test]
    fn a_shared_secret_signs_nothing() {
        let secret = DecodingKey::from_secret(b"secret");
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            assert!(verifier(&algorithm, &secret).is_err());
        }
    }
}
