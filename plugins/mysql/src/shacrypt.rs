//! The hash that caching_sha2_password keeps: SHA-crypt with SHA-256 (Ulrich Drepper's algorithm),
//! with a salt of 20 bytes where others take 16.
//!
//! Made here for MariaDB, which takes it; MySQL makes its own, and it is compared with.

use sha2::{Digest, Sha256};
use windlass_sdk::fill_random;

/// `$A$`, the rounds in thousands in three hexadecimal digits, `$`.
const HEAD: &[u8] = b"$A$";
const SALT: usize = 20;

/// SHA-crypt's own digits.
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The most rounds that are computed, in thousands. The server's default is 5, and its most 0xfff,
/// which would use up the time that a call may compute.
const THOUSANDS_MAX: u32 = 100;

/// Whether `stored` is the hash of `password`; `None` where it is another kind of hash, or too costly.
pub(crate) fn matches(stored: &[u8], password: &str) -> Option<bool> {
    let rest = stored.strip_prefix(HEAD)?;
    let (digits, rest) = rest.split_at_checked(3)?;
    let thousands = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    let (salt, digest) = rest.strip_prefix(b"$")?.split_at_checked(SALT)?;
    if thousands == 0 || thousands > THOUSANDS_MAX {
        return None;
    }
    Some(encode(&crypt(password.as_bytes(), salt, thousands * 1000)) == digest)
}

/// The hash of a new password, with a salt of its own and the server's default number of rounds.
pub(crate) fn hash(password: &str) -> String {
    let mut salt = [0; SALT];
    fill_random(&mut salt);
    // 120 bits of printable characters, none of which means anything in the hash.
    let salt = salt.map(|byte| ALPHABET.get(usize::from(byte & 63)).copied().unwrap_or(b'.'));
    let digest = encode(&crypt(password.as_bytes(), &salt, 5000));
    format!("$A$005${}{}", String::from_utf8_lossy(&salt), String::from_utf8_lossy(&digest))
}

fn crypt(password: &[u8], salt: &[u8], rounds: u32) -> [u8; 32] {
    let mut second = Sha256::new();
    for part in [password, salt, password] {
        second.update(part);
    }
    let second = second.finalize();

    let mut first = Sha256::new();
    first.update(password);
    first.update(salt);
    first.update(repeated(&second, password.len()));
    let mut length = password.len();
    while length > 0 {
        if length & 1 == 1 {
            first.update(second)
        } else {
            first.update(password)
        }
        length >>= 1;
    }
    let mut digest: [u8; 32] = first.finalize().into();

    let mut passwords = Sha256::new();
    (0..password.len()).for_each(|_| passwords.update(password));
    let p = repeated(&passwords.finalize(), password.len());

    let [first_byte, ..] = digest;
    let mut salts = Sha256::new();
    (0..16 + u32::from(first_byte)).for_each(|_| salts.update(salt));
    let s = repeated(&salts.finalize(), salt.len());

    for round in 0..rounds {
        let mut hash = Sha256::new();
        let odd = round & 1 == 1;
        hash.update(if odd { &p[..] } else { &digest[..] });
        if round % 3 != 0 {
            hash.update(&s);
        }
        if round % 7 != 0 {
            hash.update(&p);
        }
        hash.update(if odd { &digest[..] } else { &p[..] });
        digest = hash.finalize().into();
    }
    digest
}

/// `digest` again and again, `length` bytes of it.
fn repeated(digest: &[u8], length: usize) -> Vec<u8> {
    digest.iter().copied().cycle().take(length).collect()
}

/// SHA-crypt's own base 64: four characters for three bytes, the lowest bits first, in an order of
/// bytes that begins each group one further.
fn encode(digest: &[u8; 32]) -> Vec<u8> {
    let byte = |index: usize| u32::from(digest.get(index).copied().unwrap_or(0));
    let mut text = Vec::new();
    let mut put = |mut bits: u32, count: usize| {
        for _ in 0..count {
            text.extend(usize::try_from(bits & 63).ok().and_then(|index| ALPHABET.get(index)));
            bits >>= 6;
        }
    };
    let (mut a, mut b, mut c) = (0, 10, 20);
    for _ in 0..10 {
        put((byte(a) << 16) | (byte(b) << 8) | byte(c), 4);
        (a, b, c) = (c + 1, a + 1, b + 1);
    }
    put((byte(31) << 8) | byte(30), 3);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_sha_crypts() {
        // `openssl passwd -5 -salt saltstring`: `$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5`.
        let digest = encode(&crypt(b"Hello world!", b"saltstring", 5000));
        assert_eq!(digest, b"5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5");
    }

    #[test]
    fn a_hash_is_of_its_password_and_has_a_salt_of_its_own() {
        let (one, two) = (hash("x"), hash("x"));
        assert_ne!(one, two);
        assert_eq!(matches(one.as_bytes(), "x"), Some(true));
        assert_eq!(matches(one.as_bytes(), "y"), Some(false));
        assert_eq!(one.len(), "$A$005$".len() + SALT + 43);
    }

    #[test]
    fn what_is_not_such_a_hash_is_not_compared() {
        for stored in
            [&b""[..], b"*2470", b"$A$005", b"$A$005$short", b"$A$fff$xxxxxxxxxxxxxxxxxxxx"]
        {
            assert_eq!(matches(stored, "x"), None);
        }
    }
}
