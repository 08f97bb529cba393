//! Texts that others chose, scrubbed of every secret of the step.
//!
//! A plugin is not trusted to keep a password out of its messages, and a server may echo what an
//! earlier call gave it. So a step has one [`Redactor`], which learns every secret on its way in
//! (`store::punctual` hands it all that Secrets Manager answers: whichever code
//! comes to read a version, its password is known here first), and every foreign text passes it on
//! its way out, in this order: control characters are escaped; secrets are masked, in every form
//! that `needle` knows; what is too long is cut. What is left is the escaped text and masks and
//! nothing else, so nothing that was cut or escaped can become a secret again.
//!
//! | way out | passes in | held by |
//! |---|---|---|
//! | a plugin's log lines | `imports::system` | `guests` (suite) |
//! | a plugin's failure: message, code | `plugin::catalog` | `guests`, `echoes` (suite) |
//! | the cause of a trap | `plugin::call`: the sandbox's own words | the suite's search |
//! | what a plugin says about itself | `plugin::load`, before it was handed any secret: words, or escaped and cut | `plugins` (suite) |
//! | places that a plugin names: refused, connected to | `imports::network` | test there |
//! | network errors | told to the plugin alone; then its failure | as of failures |
//! | what AWS's services and SDK say | `handler`, of every error of a step | `handler` |
//! | what a function says to the local Secrets Manager | `local::scrub` | tests there |
//! | a panic | [`panics`](crate::panics): where, never what | tests there |
//! | metrics | `metrics`: counts and names of its own | test there |
//! | logs of libraries | [`logging`](crate::logging): warnings alone | tests there |
//! | the result of a step: Lambda's answer, the command line's | made of the above | the suite's search |
//!
//! The suite's search: at the end of every end-to-end test all of its output is searched for every
//! password, in forms that are written there anew.
//!
//! **What it can't do.** It knows forms, and there is always one more: a plugin that encrypts its
//! password, spells it letter by letter or in every other letter says it all the same. Against such
//! a plugin stands that it has no way to anybody but these texts, which the operator reads, and the
//! places it was granted. It knows what this step read: a password that an earlier step had and
//! this one did not need (`AWSCURRENT`, in testSecret) passes. Different Unicode normalisations of
//! a text are different texts here. And a password that is an ordinary word is masked where it is
//! just the word, by which an attentive reader may know it. The host's own words are not searched:
//! they name accounts, hosts, secrets and keys, so an account that is called as its password tells
//! it. Nor does what AWS says to commands that run no step (`status`) come by here: these hand AWS
//! no secret.

mod needle;
mod spelling;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use crate::secret::{Secret, mute};
use needle::{Needle, Search, base64};

/// What stands where a secret stood.
const MASK: &str = "[redacted]";

/// Fewer characters are found in every text. Masking them would make the text useless, and worse:
/// whoever sees which letters are masked knows the password. So nothing is told at all.
const SHORTEST: usize = 4;

/// What is told where a password is too short.
const WITHHELD: &str = "[withheld: a password here is too short to be masked]";

/// From this length on either case is masked: a word so long does not stand somewhere by chance.
const FOLDED: usize = 8;

/// How much more of a text is looked at than may be told of it; masks are shorter than most forms of
/// what they hide, so some more is needed, and a plugin may hand over a megabyte.
const EXAMINED: usize = 16;

/// The bytes that one byte of a secret takes at most, in any form: `\\\\u0041`.
const LONGEST_SPELLING: usize = 12;

/// Names of a document's keys that hold further passwords. They are handed to no plugin; the
/// service may know them.
const PASSWORD_WORDS: [&str; 2] = ["pass", "pwd"];

/// The session credentials of a function. No plugin gets at them, but AWS's answer to a bad
/// signature quotes the request, token included.
const SESSION_VARIABLES: [&str; 2] = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

mute!(Redactor, Needle);

/// The secrets of one step.
#[derive(Default)]
pub struct Redactor {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    secrets: Vec<Secret>,
    needles: Vec<Needle>,
    /// For each byte, the needles that may begin with it.
    beginning_with: HashMap<u8, Vec<usize>>,
    /// The bytes of the longest secret.
    longest: usize,
    too_short: bool,
}

impl Redactor {
    /// One that knows the process's own credentials.
    pub fn of_process() -> Self {
        let redactor = Self::default();
        for variable in SESSION_VARIABLES {
            if let Ok(value) = std::env::var(variable) {
                redactor.learn_further(value);
            }
        }
        redactor
    }

    /// Masks this from now on.
    pub fn learn(&self, secret: &Secret) {
        self.known().learn(secret);
    }

    /// Masks the passwords of a version from now on; of a version that is no JSON object, all of it.
    pub fn learn_version(&self, text: &Secret) {
        match serde_json::from_str::<Value>(text.reveal()) {
            Ok(Value::Object(fields)) => {
                for (key, mut value) in fields {
                    match value.as_str() {
                        Some(password) if key == "password" => {
                            self.learn(&Secret::new(password.to_owned()));
                        }
                        Some(other)
                            if PASSWORD_WORDS.iter().any(|w| key.to_lowercase().contains(w)) =>
                        {
                            self.learn_further(other.to_owned());
                        }
                        _ => {}
                    }
                    wipe(&mut value);
                }
            }
            Ok(mut other) => {
                wipe(&mut other);
                self.learn_further(text.reveal().to_owned());
            }
            Err(_) => self.learn_further(text.reveal().to_owned()),
        }
    }

    /// The text without secrets and control characters, at most `limit` bytes and an ellipsis long.
    pub fn scrub(&self, text: &str, limit: usize) -> String {
        let known = self.known();
        // No more than was allowed, and nothing of the text.
        if known.too_short {
            Known::default().scrub(WITHHELD, limit)
        } else {
            known.scrub(text, limit)
        }
    }

    /// The same for a text of AWS: passwords too short to be masked stay, as AWS does not quote
    /// passwords, and what it says is needed.
    pub fn scrub_of_aws(&self, text: &str, limit: usize) -> String {
        self.known().scrub(text, limit)
    }

    /// A secret that no password rule bounds: ignored where it is too short to be one.
    fn learn_further(&self, text: String) {
        let secret = Secret::new(text);
        if secret.reveal().chars().count() >= FOLDED {
            self.learn(&secret);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn learn(&mut self, secret: &Secret) {
        if secret.reveal().is_empty() || self.secrets.iter().any(|known| known.same_as(secret)) {
            return;
        }
        self.secrets.push(secret.duplicate());
        if secret.reveal().chars().count() < SHORTEST {
            self.too_short = true;
            return;
        }
        self.longest = self.longest.max(secret.reveal().len());
        for needle in needles(secret.reveal()) {
            let number = self.needles.len();
            needle.beginnings(|byte| self.beginning_with.entry(byte).or_default().push(number));
            self.needles.push(needle);
        }
    }

    fn scrub(&self, text: &str, limit: usize) -> String {
        let examined = limit.saturating_mul(EXAMINED);
        // A secret that begins in what is examined is looked at to its end.
        let spelled = self.longest.saturating_mul(LONGEST_SPELLING);
        let (text, mut cut) = escaped(text, examined.saturating_add(spelled));
        let mut safe = String::with_capacity(text.len().min(limit));
        let mut search = Search::new();
        // Secrets may overlap; what is masked is all that any of them covers.
        let mut masked_to = 0;
        for (at, character) in text.char_indices() {
            let end = self.end(&text, at, &mut search).unwrap_or(0);
            if search.exhausted() {
                cut = true;
                break;
            }
            if end > masked_to {
                if at >= masked_to {
                    safe.push_str(MASK);
                }
                masked_to = end;
            }
            if at >= masked_to {
                safe.push(character);
            }
            if safe.len() > limit || at >= examined {
                safe.truncate(safe.floor_char_boundary(limit));
                cut = true;
                break;
            }
        }
        if cut {
            safe.push('…');
        }
        safe
    }

    /// Where the longest form ends that begins at `at`.
    fn end(&self, text: &str, at: usize, search: &mut Search) -> Option<usize> {
        // Where a text begins, or goes on after an ellipsis, a secret may begin within.
        if at == 0 || text.get(..at).is_some_and(|before| before.ends_with(['…', '.'])) {
            return self.needles.iter().filter_map(|needle| needle.end(text, at, search)).max();
        }
        let numbers = self.beginning_with.get(text.as_bytes().get(at)?)?;
        let needles = numbers.iter().filter_map(|number| self.needles.get(*number));
        needles.filter_map(|needle| needle.end(text, at, search)).max()
    }
}

/// All forms of a secret.
fn needles(secret: &str) -> Vec<Needle> {
    let reversed = |text: &str| Zeroizing::new(text.chars().rev().collect::<String>());
    let json = Zeroizing::new(Value::from(secret).to_string());
    let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(&json);
    let backwards = reversed(secret);
    let fold = secret.chars().count() >= FOLDED;

    let mut texts = vec![Zeroizing::new(secret.to_owned())];
    let mut bytes = vec![secret.as_bytes().to_vec()];
    if backwards.as_str() != secret {
        bytes.push(backwards.as_bytes().to_vec());
        texts.push(backwards);
    }
    if json != secret {
        // Escaped, and then turned around.
        texts.push(reversed(json));
        bytes.push(json.as_bytes().to_vec());
    }
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        bytes.push(secret.encode_utf16().flat_map(order).collect());
    }
    let mut needles: Vec<_> = texts
        .iter()
        .map(|text| Needle::Text { characters: Zeroizing::new(text.chars().collect()), fold })
        .collect();
    for bytes in bytes.into_iter().map(Zeroizing::new) {
        needles.extend((0..3).map(|before| base64(&bytes, before)));
        needles.push(Needle::Bytes { bytes: bytes.clone(), decimal: true });
        needles.push(Needle::Bytes { bytes, decimal: false });
    }
    needles
}

/// What is no control character and still breaks lines in some viewers, or turns them around.
const CONTROLS: [char; 14] = [
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202b}', '\u{202c}',
    '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

/// The text up to about `limit` bytes, with escapes for control characters; and whether it was longer.
fn escaped(text: &str, limit: usize) -> (Zeroizing<String>, bool) {
    let mut safe = Zeroizing::new(String::with_capacity(text.len().min(limit)));
    for character in text.chars() {
        if safe.len() >= limit {
            return (safe, true);
        }
        if character.is_control() || CONTROLS.contains(&character) {
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
