//! Texts that others chose, scrubbed of every secret of the step.
//!
//! A plugin is not trusted to keep a password out of its messages, and a server may echo what an
//! earlier call gave it. So a step has one [`Redactor`], which learns every secret on its way in
//! (`store::guarded` hands it all that Secrets Manager answers: whichever code
//! comes to read a version, its secrets are known here first), and every foreign text passes it on
//! its way out.
//!
//! **What is secret** (`version`): every text and number of a version, at every depth, except
//! what says where and how to sign in, what names a place in the network, and what is too short to be
//! distinguished from other words.
//!
//! **What is masked** (`runs`): not a secret as a whole, but every run of it that would help a
//! guesser, beginning anywhere in the secret and standing anywhere in the text: of a password of 15
//! characters or more, each eight in a row. Of 17 of 18 characters, or of a password that a server's
//! quote breaks in two, no such run is left; of one that is broken in pieces of five, all of it is.
//!
//! **In this order**: control characters are escaped; runs are masked, in every form that
//! `spelling` and `numbers` know; what is too long is cut. What is left is the escaped text and
//! masks and nothing else, so nothing that was cut or escaped can become a secret again. Masks that
//! touch are one.
//!
//! **What is too short to be masked** (fewer than four characters) is never masked: whoever sees which
//! letters of a known sentence are missing knows the password. Beside one of a single character every
//! text is withheld, as the letters that all shown texts lack would be few; beside one of two or three, a
//! text is shown where it holds that nowhere and in no form, and else withheld as a whole. The host's own
//! words about a failure, which no password goes into, are shown in either case (`sandbox::border`).
//!
//! **Where it would cost too much**, less is shown, never more: a text is cut where following all its
//! readings would take too long (`search`), and beside secrets of more than 80 Ki characters
//! nothing is shown at all.
//!
//! | way out | passes in | held by |
//! |---|---|---|
//! | a plugin's log lines | `sandbox::host::system` | `guests` (suite) |
//! | a plugin's failure: message, code | `sandbox::border` | `guests`, `echoes` (suite) |
//! | the cause of a trap | `sandbox::call`: the sandbox's own words | the suite's search |
//! | what a plugin says about itself | `sandbox::description`, before it was handed any secret: words, or escaped and cut | `plugins` (suite) |
//! | places that a plugin names: refused, connected to | `sandbox::egress` | test there |
//! | network errors | reported to the plugin alone; then its failure | as of failures |
//! | what AWS's services and SDK say | `handler`, of every error of a step | `handler` |
//! | what a function says to the local Secrets Manager | `server::scheduler` of `windlass-secrets-manager` | tests there |
//! | a panic | [`panics`](crate::panics): where, never what | tests there |
//! | metrics | `metrics`: counts and names of its own | test there |
//! | logs of libraries | [`logging`](crate::logging): where a level was asked for, warnings | tests there |
//! | the result of a step: Lambda's answer, the command line's | made of the above | the suite's search |
//!
//! The suite's search: at the end of every end-to-end test all of its output is searched for every
//! password and every eight characters of one, in forms that are written there anew.
//!
//! **What it can't do.** It knows forms, and there is always one more: a plugin that encrypts its
//! password, spells it letter by letter, in every other letter or in pieces of five says it all the
//! same. Against such a plugin stands that it has no way to anybody but these texts, which the
//! operator reads, and the places it was granted. It knows what this step read: a password that an
//! earlier step had and this one did not need (`AWSCURRENT`, in testSecret) passes. Different Unicode
//! normalisations of a text are different texts here; of a key that a JSON object has twice only the
//! last value is known; a password that looks like a host name, under a key that does not speak of a
//! credential, is taken for one. And a password that holds an ordinary word is masked where it is
//! just the word, by which an attentive reader may know it. The host's own words are not searched:
//! they name accounts, hosts, secrets and keys, so an account that is called as its password tells
//! it. Nor does what AWS says to commands that run no step (`status`) come by here: these hand AWS
//! no secret.

mod numbers;
mod runs;
mod search;
mod spelling;
#[cfg(test)]
mod tests;
mod version;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use crate::secret::{Secret, mute};
use crate::text::steers;
use runs::{FOLDED, Kind, Plain, Runs};
use search::Found;

/// What stands where a secret stood.
const MASK: &str = "[redacted]";

/// Fewer characters are found in many texts. Masking them would make the text useless, and worse:
/// whoever sees which letters are masked knows the password.
const SHORTEST: usize = 4;

/// What is shown where a password is too short.
pub(crate) const WITHHELD: &str = "[withheld: a password here has fewer than four characters, which \
                                   masks would show; set a longer one]";

/// The characters of secrets that one step may know: as many as the largest secret of Secrets
/// Manager has, whose versions mostly repeat each other, and some for the administrator's and for
/// session credentials. Each takes between 110 and 200 bytes, and the sandbox and the compiled
/// plugin need the rest of a function of 128 MB.
const MOST_LEARNT: usize = 80 << 10;

/// What is shown where there are more.
const TOO_MANY: &str =
    "[withheld: the secrets here hold more than 81920 characters, too many to be masked]";

/// How much more of a text is looked at than may be shown of it; masks are shorter than most forms of
/// what they hide, so some more is needed, and a plugin may hand over a megabyte.
const EXAMINED: usize = 16;

/// How much is looked at beyond that: a run that begins before is found if it ends within. The
/// longest run is of twelve characters, each spelled with at most twelve bytes (`\\\\u0041`), and as
/// many again for those that are spelled twice.
const BEYOND: usize = 12 * 12 * 2;

/// The session credentials of a function. No plugin gets at them, but AWS's answer to a bad
/// signature quotes the request, token included.
const SESSION_VARIABLES: [&str; 2] = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

mute!(Redactor, Known);

/// The secrets of one step.
#[derive(Default)]
pub struct Redactor {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// By their hashes: a secret of thousands of texts is learnt with each of its versions.
    secrets: HashMap<u64, Vec<(Secret, Kind)>>,
    hasher: RandomState,
    runs: Runs,
    /// Secrets that are too short to be masked, as wholes.
    short: Runs,
    /// One of them is a single character.
    single: bool,
    /// The characters of all secrets.
    learnt: usize,
    too_many: bool,
}

impl Redactor {
    /// One that knows the process's own credentials.
    pub fn for_process() -> Self {
        Self::from_session(|name| std::env::var(name).ok())
    }

    fn from_session(variable: impl Fn(&str) -> Option<String>) -> Self {
        let redactor = Self::default();
        // Shorter ones are no credentials of AWS: somebody's placeholder.
        let credentials = SESSION_VARIABLES.into_iter().filter_map(variable);
        for value in credentials.filter(|value| value.chars().count() >= FOLDED) {
            redactor.learn(&Secret::new(value));
        }
        redactor
    }

    /// Masks this from now on.
    pub fn learn(&self, secret: &Secret) {
        self.known().learn(secret.reveal(), Kind::Credential, &mut Plain::default());
    }

    /// Masks every text of a version from now on that may be secret; [`version`] says which.
    pub fn learn_version(&self, text: &Secret) {
        version::learn(text.reveal(), &mut self.known());
    }

    /// The text without secrets and control characters, at most `limit` bytes and an ellipsis long.
    pub fn scrub(&self, text: &str, limit: usize) -> String {
        let mut known = self.known();
        // No more than was allowed, and nothing of the text.
        if !known.too_many && known.holds_short(text, limit) {
            return Known::default().scrub(WITHHELD, limit);
        }
        known.scrub(text, limit)
    }

    /// The same for a text of AWS: passwords too short to be masked stay, as AWS does not quote
    /// passwords, and what it says is needed. Secrets too long to be learnt silence it, too.
    pub fn scrub_of_aws(&self, text: &str, limit: usize) -> String {
        self.known().scrub(text, limit)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// `plain`: texts that are no secret, nor are their runs.
    fn learn(&mut self, secret: &str, kind: Kind, plain: &mut Plain) {
        let same_hash = self.secrets.entry(self.hasher.hash_one(secret)).or_default();
        let covers = |known: Kind| known == kind || known == Kind::Credential;
        let known = same_hash.iter().any(|(text, of)| text.reveal() == secret && covers(*of));
        if secret.is_empty() || known {
            return;
        }
        let length = secret.chars().count();
        if length > MOST_LEARNT - self.learnt {
            self.too_many = true;
            return;
        }
        self.learnt += length;
        same_hash.push((Secret::new(secret.to_owned()), kind));
        if length < SHORTEST {
            self.single |= length == 1;
            self.short.learn_whole(secret);
        } else {
            self.runs.learn(secret, kind, plain);
        }
    }

    /// Whether a text can't be shown because of a secret that is too short to be masked.
    fn holds_short(&mut self, text: &str, limit: usize) -> bool {
        if self.single {
            return true;
        }
        if self.short.is_empty() {
            return false;
        }
        self.short.sort();
        let (text, _) = escaped(text, limit.saturating_mul(EXAMINED).saturating_add(BEYOND));
        let Found { masks, searched } = search::search(&text, &self.short);
        !masks.is_empty() || searched < text.len()
    }

    fn scrub(&mut self, text: &str, limit: usize) -> String {
        if self.too_many {
            return Self::default().scrub(TOO_MANY, limit);
        }
        let examined = limit.saturating_mul(EXAMINED);
        let (text, mut cut) = escaped(text, examined.saturating_add(BEYOND));
        self.runs.sort();
        let Found { masks, searched } = search::search(&text, &self.runs);
        let shown = text.floor_char_boundary(examined.min(searched));
        cut |= shown < text.len();
        let mut safe = String::with_capacity(text.len().min(limit));
        let mut at = 0;
        for mask in masks.iter().filter(|mask| mask.start < shown) {
            safe.push_str(text.get(at..mask.start).unwrap_or_default());
            safe.push_str(MASK);
            at = mask.end;
        }
        safe.push_str(text.get(at..shown).unwrap_or_default());
        if safe.len() > limit {
            safe.truncate(safe.floor_char_boundary(limit));
            cut = true;
        }
        if cut {
            safe.push('…');
        }
        safe
    }
}

/// The text up to about `limit` bytes, with escapes for control characters; and whether it was longer.
fn escaped(text: &str, limit: usize) -> (Zeroizing<String>, bool) {
    let mut safe = Zeroizing::new(String::with_capacity(text.len().min(limit)));
    for character in text.chars() {
        if safe.len() >= limit {
            return (safe, true);
        }
        if steers(character) {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    (safe, false)
}

/// Overwrites every text of a JSON value.
pub(crate) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
