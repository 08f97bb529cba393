//! `GetRandomPassword`: every password that the request allows is equally likely.
//!
//! Characters are drawn without bias from the system's generator. Where one of each kind is
//! required, passwords that lack one are drawn again as a whole, rather than repaired: repairing would
//! make some passwords likelier than others.

use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::error::{Exception, ServiceError, invalid_parameter, validation};
use super::requests::{RandomPassword, Spaces};

const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NUMBERS: &str = "0123456789";
/// In the order of AWS's documentation.
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
const SPACE: &str = " ";

const LENGTHS: std::ops::RangeInclusive<u32> = 1..=4096;
const LONGEST_EXCLUSION: usize = 4096;

/// The least likely request (four characters, three kinds reduced to one character each) succeeds
/// once in about 2,000 draws: this many failing is a generator that is broken.
const DRAWS: u32 = 200_000;

/// Random bytes asked of the system at once.
const CHUNK: usize = 256;

/// Makes a password.
pub(super) fn generate(request: &RandomPassword) -> Result<SecretString, ServiceError> {
    if !LENGTHS.contains(&request.length) {
        let bound = if request.length == 0 {
            "greater than or equal to 1"
        } else {
            "less than or equal to 4096"
        };
        return Err(validation(format!(
            "1 validation error detected: Value at 'passwordLength' failed to satisfy constraint: \
             Member must have value {bound}"
        )));
    }
    if request.exclude_characters.chars().count() > LONGEST_EXCLUSION {
        return Err(validation(format!(
            "1 validation error detected: Value at 'excludeCharacters' failed to satisfy \
             constraint: Member must have length less than or equal to {LONGEST_EXCLUSION}"
        )));
    }
    let kinds = kinds(request);
    let mut alphabet: Vec<u8> = kinds.concat();
    if request.spaces == Spaces::Included && !request.exclude_characters.contains(SPACE) {
        alphabet.extend_from_slice(SPACE.as_bytes());
    }
    if alphabet.is_empty() {
        return Err(invalid_parameter(
            "No characters are left for the password: everything is excluded.",
        ));
    }
    let length = usize::try_from(request.length).unwrap_or(usize::MAX);
    let required: &[Vec<u8>] =
        if request.require_each_included_type { &kinds } else { Default::default() };
    if length < required.len() {
        return Err(invalid_parameter("Password length is too short based on the required types."));
    }
    let mut random = Random::new();
    for _ in 0..DRAWS {
        let password = random.pick(&alphabet, length)?;
        if required.iter().all(|kind| password.bytes().any(|byte| kind.contains(&byte))) {
            return Ok(SecretString::from(password));
        }
    }
    Err(no_randomness())
}

/// The kinds of character that are left, each with what is left of it. A kind of which everything
/// is excluded is not an included kind.
fn kinds(request: &RandomPassword) -> Vec<Vec<u8>> {
    [
        (LOWERCASE, request.exclude_lowercase),
        (UPPERCASE, request.exclude_uppercase),
        (NUMBERS, request.exclude_numbers),
        (PUNCTUATION, request.exclude_punctuation),
    ]
    .into_iter()
    .filter(|(_, excluded)| !excluded)
    .map(|(kind, _)| {
        kind.chars()
            .filter(|c| !request.exclude_characters.contains(*c))
            .filter_map(|c| u8::try_from(c).ok())
            .collect::<Vec<u8>>()
    })
    .filter(|kind| !kind.is_empty())
    .collect()
}

/// An ARN's random ending.
pub(super) fn suffix(length: usize) -> Result<String, ServiceError> {
    let alphabet = [LOWERCASE, UPPERCASE, NUMBERS].concat().into_bytes();
    Random::new().pick(&alphabet, length)
}

struct Random {
    source: SystemRandom,
    buffer: Zeroizing<[u8; CHUNK]>,
    used: usize,
}

impl Random {
    fn new() -> Self {
        Self { source: SystemRandom::new(), buffer: Zeroizing::new([0; CHUNK]), used: CHUNK }
    }

    fn byte(&mut self) -> Result<u8, ServiceError> {
        if self.used >= CHUNK {
            self.source.fill(self.buffer.as_mut_slice()).map_err(|_| no_randomness())?;
            self.used = 0;
        }
        let byte = self.buffer.get(self.used).copied().ok_or_else(no_randomness)?;
        self.used += 1;
        Ok(byte)
    }

    /// Text of characters from an alphabet of 1 to 256, each equally likely.
    fn pick(&mut self, alphabet: &[u8], length: usize) -> Result<String, ServiceError> {
        // The largest multiple of the alphabet's size that a byte can reach: what lies above it
        // would make the first characters likelier.
        let fair = 256 - 256 % alphabet.len().clamp(1, 256);
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let byte = usize::from(self.byte()?);
            if byte < fair
                && let Some(character) = alphabet.get(byte % alphabet.len().max(1))
            {
                text.push(char::from(*character));
            }
        }
        Ok(text)
    }
}

fn no_randomness() -> ServiceError {
    ServiceError::new(Exception::InternalService, "the system's random generator does not work")
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn asked(length: u32) -> RandomPassword {
        RandomPassword {
            length,
            exclude_characters: String::new(),
            exclude_numbers: false,
            exclude_punctuation: false,
            exclude_uppercase: false,
            exclude_lowercase: false,
            require_each_included_type: true,
            spaces: Spaces::Excluded,
        }
    }

    #[test]
    fn every_character_is_equally_likely() {
        let mut counts = [0_u32; 256];
        let mut request = asked(4096);
        request.spaces = Spaces::Included;
        for _ in 0..100 {
            for byte in generate(&request).unwrap().expose_secret().bytes() {
                counts[usize::from(byte)] += 1;
            }
        }
        let drawn: Vec<u32> = counts.into_iter().filter(|count| *count > 0).collect();
        assert_eq!(drawn.len(), 95);
        // About 4312 each, with a standard deviation of 65: seven of those, so that this fails by
        // chance once in ten billion runs. A remainder taken without care would favour the first
        // characters by half.
        let fair = 4096 * 100 / 95;
        assert!(drawn.iter().all(|count| count.abs_diff(fair) < 460), "{drawn:?}");
    }

    #[test]
    fn a_kind_of_which_nothing_is_left_is_not_required() {
        let mut request = asked(3);
        request.exclude_characters = NUMBERS.to_owned();
        let password = generate(&request).unwrap();
        for kind in [LOWERCASE, UPPERCASE, PUNCTUATION] {
            assert!(password.expose_secret().chars().any(|c| kind.contains(c)));
        }
    }

    #[test]
    fn the_least_likely_password_is_found() {
        let mut request = asked(4);
        let keep_one = |kind: &str| kind.chars().skip(1).collect::<String>();
        request.exclude_characters = [UPPERCASE, NUMBERS, LOWERCASE].map(keep_one).concat();
        for _ in 0..20 {
            let password = generate(&request).unwrap();
            let mut known: Vec<char> = password.expose_secret().chars().collect();
            known.retain(|c| c.is_ascii_alphanumeric());
            known.sort_unstable();
            assert_eq!(known, ['0', 'A', 'a']);
        }
    }
}
