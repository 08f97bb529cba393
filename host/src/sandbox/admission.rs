//! What the operator asks of a plugin before any of it runs.
//!
//! In this order, all before its machine code is mapped: whoever compiled it is trusted, whoever
//! signed its component is trusted, its component is the one that is pinned for a plugin of its
//! file's name. After it has described itself, with nothing in reach: its component is the one that
//! is pinned for the name that it gave. At last, every name that the configuration speaks of is
//! installed: a misspelt one would leave a plugin without its pin.
//!
//! Which component a compiled plugin was made from, it says itself. Unless `trust.compiled` asks for
//! the word of somebody who compiled it, a pin or a component's signature holds it to that claim and
//! to nothing else, and the log says so.

use std::collections::BTreeMap;

use super::ArtifactProblem;
use super::artifact::Trailer;
use crate::digest::Digest;
use crate::grants::GrantPattern;
use crate::signature::{PublicKey, Signature, Statement};

/// What the operator says of one plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PluginPolicy {
    /// The component that it must be.
    pub sha256: Option<Digest>,
    /// What it may reach, in place of the general grants.
    pub grants: Option<Vec<GrantPattern>>,
}

/// Whose signatures plugins must have. An empty list asks for none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// The component must be signed by one of these.
    pub components: Vec<PublicKey>,
    /// What it was compiled to must be signed by one of these.
    pub compiled: Vec<PublicKey>,
}

/// What plugins must be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admission {
    /// By the plugins' names.
    pub plugins: BTreeMap<String, PluginPolicy>,
    /// Signatures.
    pub trust: Trust,
}

impl Admission {
    /// Whether a compiled plugin may be loaded, going by its trailer and its file's name.
    ///
    /// # Errors
    /// Why not.
    pub fn of_compiled(&self, file_stem: &str, trailer: &Trailer) -> Result<(), ArtifactProblem> {
        let trust = &self.trust;
        signed(
            &trust.compiled,
            "`trust.compiled` in windlass.toml, or --key",
            trailer.signature.as_ref(),
            trailer.compiled(),
        )?;
        self.of_component(file_stem, trailer.component_sha256, trailer.component_signature.as_ref())
    }

    /// Whether a component may be used: for compiling, or as what a plugin was compiled from.
    ///
    /// # Errors
    /// Why not.
    pub fn of_component(
        &self,
        name: &str,
        sha256: Digest,
        signature: Option<&Signature>,
    ) -> Result<(), ArtifactProblem> {
        let statement = Statement::Component { sha256 };
        signed(
            &self.trust.components,
            "`trust.components` in windlass.toml, or --key",
            signature,
            statement,
        )?;
        self.pinned(name, sha256)
    }

    /// Whether a component is the one that is pinned for this name, if one is.
    ///
    /// # Errors
    /// If it is another.
    pub fn pinned(&self, name: &str, found: Digest) -> Result<(), ArtifactProblem> {
        match self.plugins.get(name).and_then(|policy| policy.sha256) {
            Some(pinned) if pinned != found => {
                Err(ArtifactProblem::NotThePinned { name: name.to_owned(), pinned, found })
            }
            _ => Ok(()),
        }
    }

    /// Whether it asks for pins or component signatures while nobody has to answer for what a plugin
    /// was compiled from: both then hold a file to what it claims to be made from, and whoever can
    /// write the file can write the claim, under other code.
    pub fn rests_on_claims(&self) -> bool {
        let Trust { components, compiled } = &self.trust;
        let pins = || self.plugins.values().any(|policy| policy.sha256.is_some());
        compiled.is_empty() && (!components.is_empty() || pins())
    }

    /// Says so in the log, wherever a configuration meets plugins.
    pub fn warn_of_claims(&self) {
        if self.rests_on_claims() {
            tracing::warn!(
                "windlass.toml asks for pins (`sha256`) or `trust.components` without \
                 `trust.compiled`: what a compiled plugin was made from is then its own claim, and \
                 whoever can write the file can write it under other code; sign what is compiled with \
                 `windlass package --sign-with`, and name its public key in `trust.compiled`"
            );
        }
    }

    /// A name that the configuration speaks of and nobody has, if there is one.
    pub fn missing<'a>(&'a self, installed: &[&str]) -> Option<&'a str> {
        self.plugins.keys().map(String::as_str).find(|name| !installed.contains(name))
    }
}

/// One of these keys signed this; there is nothing to check where there are no keys.
fn signed(
    keys: &[PublicKey],
    key_of: &'static str,
    signature: Option<&Signature>,
    statement: Statement<'_>,
) -> Result<(), ArtifactProblem> {
    if keys.is_empty() {
        return Ok(());
    }
    let what = match statement {
        Statement::Component { .. } => "component",
        Statement::Compiled { .. } => "compiled code",
    };
    let Some(signature) = signature else {
        return Err(ArtifactProblem::Unsigned { what, key_of });
    };
    if !keys.contains(&signature.key) {
        return Err(ArtifactProblem::SignedByAnother { what, key_of, key: signature.key });
    }
    signature
        .verify(statement)
        .map_err(|_| ArtifactProblem::BadSignature { what, key: signature.key })
}

#[cfg(feature = "cli")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::SigningKey;

    fn key() -> SigningKey {
        SigningKey::from_pem(SigningKey::generate().unwrap().as_bytes()).unwrap()
    }

    fn trailer(author: Option<&SigningKey>, compiler: Option<&SigningKey>) -> Trailer {
        let mut trailer = Trailer::new(b"component", b"code", "target");
        let sha256 = trailer.component_sha256;
        trailer.component_signature =
            author.map(|key| key.sign(Statement::Component { sha256 }).unwrap());
        trailer.signature = compiler.map(|key| key.sign(trailer.compiled()).unwrap());
        trailer
    }

    fn trusting(components: &[&SigningKey], compiled: &[&SigningKey]) -> Admission {
        let public = |keys: &[&SigningKey]| keys.iter().map(|key| key.public().unwrap()).collect();
        let trust = Trust { components: public(components), compiled: public(compiled) };
        Admission { trust, ..Admission::default() }
    }

    fn problem(admission: &Admission, trailer: &Trailer) -> String {
        admission.of_compiled("postgres", trailer).unwrap_err().to_string()
    }

    #[test]
    fn who_asks_for_nothing_gets_anything() {
        assert_eq!(Admission::default().of_compiled("postgres", &trailer(None, None)), Ok(()));
    }

    #[test]
    fn each_signature_that_is_asked_for_must_be_there_and_be_right() {
        let (author, compiler, other) = (key(), key(), key());
        let both = trusting(&[&author], &[&other, &compiler]);
        let signed = trailer(Some(&author), Some(&compiler));
        assert_eq!(both.of_compiled("postgres", &signed), Ok(()));
        for (trailer, expected) in [
            (trailer(None, Some(&compiler)), "its component is not signed"),
            (trailer(Some(&author), None), "its compiled code is not signed"),
            (trailer(Some(&other), Some(&compiler)), "asked for (`trust.components`"),
            (trailer(Some(&author), Some(&author)), "asked for (`trust.compiled`"),
            // Everything that the signature covers.
            (
                Trailer { target: "other".into(), ..signed.clone() },
                "of its compiled code is not by",
            ),
            (Trailer { windlass: "9".into(), ..signed.clone() }, "of its compiled code is not by"),
            (
                Trailer { artifact_sha256: Digest::compute(b"evil"), ..signed.clone() },
                "of its compiled code is not by",
            ),
            (
                Trailer { component_sha256: Digest::compute(b"evil"), ..signed.clone() },
                "of its compiled code is not by",
            ),
        ] {
            let problem = problem(&both, &trailer);
            assert!(problem.contains(expected), "{expected}: {problem}");
        }
        let component_alone = trusting(&[&author], &[]);
        let other = Trailer { component_sha256: Digest::compute(b"evil"), ..signed };
        let problem = problem(&component_alone, &other);
        assert!(problem.contains("of its component is not by"), "{problem}");
    }

    #[test]
    fn what_nobody_answers_for_rests_on_claims() {
        let key = key();
        let pin = PluginPolicy { sha256: Some(Digest::compute(b"component")), grants: None };
        let plugins = || BTreeMap::from([("postgres".to_owned(), pin.clone())]);
        let grants = BTreeMap::from([("postgres".to_owned(), PluginPolicy::default())]);
        for (plugins, trust, expected) in [
            (BTreeMap::new(), trusting(&[], &[]).trust, false),
            (grants, trusting(&[], &[]).trust, false),
            (plugins(), trusting(&[], &[]).trust, true),
            (plugins(), trusting(&[&key], &[]).trust, true),
            (BTreeMap::new(), trusting(&[&key], &[]).trust, true),
            (plugins(), trusting(&[&key], &[&key]).trust, false),
        ] {
            let admission = Admission { plugins, trust };
            assert_eq!(admission.rests_on_claims(), expected, "{admission:?}");
        }
    }

    #[test]
    fn a_pin_holds_for_the_files_name_and_for_the_plugins_own() {
        let pin = |text: &[u8]| PluginPolicy { sha256: Some(Digest::compute(text)), grants: None };
        let plugins = BTreeMap::from([("postgres".to_owned(), pin(b"component"))]);
        let pinned = Admission { plugins, ..Admission::default() };
        assert_eq!(pinned.of_compiled("postgres", &trailer(None, None)), Ok(()));
        assert_eq!(pinned.of_compiled("another", &trailer(None, None)), Ok(()));
        let evil = Trailer { component_sha256: Digest::compute(b"evil"), ..trailer(None, None) };
        assert!(problem(&pinned, &evil).contains("pins plugin `postgres`"));
        assert!(pinned.pinned("postgres", Digest::compute(b"evil")).is_err());
        assert!(pinned.rests_on_claims());
        assert_eq!(pinned.missing(&["postgres"]), None);
        assert_eq!(pinned.missing(&["mysql"]), Some("postgres"));
    }
}
