//! Ed25519 signatures (RFC 8032) over plugins.
//!
//! What is signed is a short text that names the digests, not the file itself, so that the Lambda
//! function, which has the compiled plugin only, can check who signed the component. Its first line
//! says what kind of statement it is: a signature of one kind is never one of the other.
//!
//! - **Of a component**: "I stand for this component." Made by its author, or by an operator who
//!   reviewed it. A compiled plugin carries it along, but it says nothing about the machine code.
//! - **Of a compiled plugin**: "I compiled this machine code from that component." Made by whoever
//!   compiles. With it, nobody who can only write to the package can bring in other code.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, ED25519_PUBLIC_KEY_LEN, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Bytes of a signature (RFC 8032, section 5.1.6).
const SIGNATURE_BYTES: usize = 64;

/// How a public key begins as text.
const SCHEME: &str = "ed25519:";

/// A public key; `ed25519:` and 44 characters of Base64 as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; ED25519_PUBLIC_KEY_LEN]);

/// What a signature vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statement<'a> {
    /// A component.
    Component {
        /// Its digest.
        sha256: Digest,
    },
    /// Machine code and what it was compiled from.
    Compiled {
        /// The component's digest.
        component: Digest,
        /// The digest of the machine code.
        artifact: Digest,
        /// The digest of what the plugin is sealed to say about itself.
        description: Digest,
        /// The target triple.
        target: &'a str,
        /// The version of Windlass.
        windlass: &'a str,
    },
}

/// A signature and whose it is. The name of the key is a claim: see [`Signature::verify`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Whose it claims to be.
    pub key: PublicKey,
    /// In Base64.
    signature: String,
}

impl Signature {
    /// Whether this is a signature of the statement by the key that it names.
    ///
    /// # Errors
    /// If it is not.
    pub fn verify(&self, statement: Statement<'_>) -> Result<(), BadSignature> {
        let signature = STANDARD.decode(&self.signature).map_err(|_| BadSignature)?;
        if signature.len() != SIGNATURE_BYTES {
            return Err(BadSignature);
        }
        UnparsedPublicKey::new(&ED25519, self.key.0)
            .verify(statement.to_string().as_bytes(), &signature)
            .map_err(|_| BadSignature)
    }
}

/// The text that is signed.
impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component { sha256 } => {
                writeln!(f, "windlass component, version 1\nsha256 {sha256}")
            }
            Self::Compiled { component, artifact, description, target, windlass } => writeln!(
                f,
                "windlass compiled plugin, version 2\ncomponent {component}\nartifact \
                 {artifact}\ndescription {description}\ntarget {target}\nwindlass {windlass}"
            ),
        }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", STANDARD.encode(self.0))
    }
}

impl FromStr for PublicKey {
    type Err = NoPublicKey;

    fn from_str(text: &str) -> Result<Self, NoPublicKey> {
        let encoded = text.strip_prefix(SCHEME).ok_or(NoPublicKey)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| NoPublicKey)?;
        bytes.try_into().map(Self).map_err(|_| NoPublicKey)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = NoPublicKey;

    fn try_from(text: String) -> Result<Self, NoPublicKey> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

/// A text that is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a public key is `ed25519:` and 44 characters of Base64, as `windlass sign` prints it")]
pub struct NoPublicKey;

/// A signature that is not one of what it stands beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature is not of this file, or not by the key that it names")]
pub struct BadSignature;

#[cfg(feature = "cli")]
pub use signing::{NoSigningKey, SigningKey};

#[cfg(feature = "cli")]
mod signing {
    use base64::Engine as _;
    use ring::rand::SystemRandom;
    use ring::signature::{Ed25519KeyPair, KeyPair};
    use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use zeroize::Zeroizing;

    use super::{PublicKey, STANDARD, Signature, Statement};

    /// A private key. It has no `Debug`, and what was read of it is wiped.
    pub struct SigningKey(Ed25519KeyPair);

    impl SigningKey {
        /// Reads a key in PKCS#8 as PEM (RFC 8410, section 7), as this product and `openssl genpkey
        /// -algorithm ed25519` write it.
        ///
        /// # Errors
        /// If it is none.
        pub fn from_pem(pem: &[u8]) -> Result<Self, NoSigningKey> {
            let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| NoSigningKey)?;
            // OpenSSL leaves the public key out, which a check would need.
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
                .map(Self)
                .map_err(|_| NoSigningKey)
        }

        /// A new key, as PEM.
        ///
        /// # Errors
        /// If the operating system has no randomness.
        pub fn generate() -> std::io::Result<Zeroizing<String>> {
            let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
                .map_err(|_| std::io::Error::other("the operating system has no randomness"))?;
            let encoded = Zeroizing::new(STANDARD.encode(document.as_ref()));
            let mut pem = Zeroizing::new(String::from("-----BEGIN PRIVATE KEY-----\n"));
            for line in encoded.as_bytes().chunks(64) {
                pem.extend(line.iter().copied().map(char::from));
                pem.push('\n');
            }
            pem.push_str("-----END PRIVATE KEY-----\n");
            Ok(pem)
        }

        /// The key that verifies.
        ///
        /// # Errors
        /// Never, for a key that was read.
        pub fn public(&self) -> Result<PublicKey, NoSigningKey> {
            let bytes = self.0.public_key().as_ref().try_into();
            bytes.map(PublicKey).map_err(|_| NoSigningKey)
        }

        /// Signs a statement.
        ///
        /// # Errors
        /// Never, for a key that was read.
        pub fn sign(&self, statement: Statement<'_>) -> Result<Signature, NoSigningKey> {
            let signature = self.0.sign(statement.to_string().as_bytes());
            Ok(Signature { key: self.public()?, signature: STANDARD.encode(signature) })
        }
    }

    /// A file that holds no private key.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
    #[error(
        "it is not an Ed25519 private key in PKCS#8 as PEM; `windlass sign --new-key FILE` makes one"
    )]
    pub struct NoSigningKey;
}

#[cfg(feature = "cli")]
#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_pem(SigningKey::generate().unwrap().as_bytes()).unwrap()
    }

    fn component(bytes: &[u8]) -> Statement<'static> {
        Statement::Component { sha256: Digest::compute(bytes) }
    }

    #[test]
    fn a_signature_holds_for_its_statement_and_key_alone() {
        let (own, other) = (key(), key());
        let signature = own.sign(component(b"plugin")).unwrap();
        assert_eq!(signature.verify(component(b"plugin")), Ok(()));
        assert_eq!(signature.verify(component(b"another")), Err(BadSignature));
        let digest = Digest::compute(b"plugin");
        let compiled = Statement::Compiled {
            component: digest,
            artifact: digest,
            description: digest,
            target: "t",
            windlass: "0",
        };
        assert_eq!(signature.verify(compiled), Err(BadSignature), "of another kind");
        let claimed = Signature { key: other.public().unwrap(), ..signature.clone() };
        assert_eq!(claimed.verify(component(b"plugin")), Err(BadSignature));
        for broken in ["", "AAAA", "no base64 at all"] {
            let broken = Signature { signature: broken.to_owned(), ..signature.clone() };
            assert_eq!(broken.verify(component(b"plugin")), Err(BadSignature));
        }
    }

    /// RFC 8032, section 7.1, test 1, in the PKCS#8 form that OpenSSL writes.
    #[test]
    fn a_known_key_reads_as_itself() {
        let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        let hex = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let digits = (0..hex.len()).step_by(2);
        let seed = digits.map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
        let der: Vec<u8> = head.into_iter().chain(seed).collect();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(&der)
        );
        let public = SigningKey::from_pem(pem.as_bytes()).unwrap().public().unwrap();
        assert_eq!(public.to_string(), "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
        assert_eq!(public.to_string().parse(), Ok(public));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in
            ["", "ed25519:", "ed25519:AAAA", "rsa:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]
        {
            assert_eq!(text.parse::<PublicKey>(), Err(NoPublicKey), "{text}");
        }
        assert!(
            SigningKey::from_pem(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")
                .is_err()
        );
    }
}
