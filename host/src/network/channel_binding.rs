//! Channel binding of type `tls-server-end-point` (RFC 5929, section 4.1): the hash of the server's
//! certificate with the hash function of its signature, or SHA-256 where that is MD5 or SHA-1.

use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};

/// Signature algorithms (DER of the OID's content) and the hash that their certificates are bound
/// with. What is not here has no binding: Ed25519 and Ed448 name no hash, and RSASSA-PSS hides it
/// in parameters that PostgreSQL does not look at either.
const SIGNATURES: [(&[u8], &Algorithm); 9] = [
    // RSA with MD5, SHA-1, SHA-256, SHA-384, SHA-512: 1.2.840.113549.1.1.{4,5,11,12,13}
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4], &SHA256),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5], &SHA256),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11], &SHA256),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12], &SHA384),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13], &SHA512),
    // ECDSA with SHA-1, SHA-256, SHA-384, SHA-512: 1.2.840.10045.4.{1,3.2,3.3,3.4}
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1], &SHA256),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2], &SHA256),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3], &SHA384),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4], &SHA512),
];

/// DER tags.
const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;

/// The binding of a certificate, where its signature algorithm defines one.
pub(super) fn tls_server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let oid = signature_algorithm(certificate)?;
    let (_, hash) = SIGNATURES.iter().find(|(known, _)| *known == oid)?;
    Some(digest(hash, certificate).as_ref().to_vec())
}

/// `Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OID, … }, … }`
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (content, _) = element(certificate, SEQUENCE)?;
    let (_, after_tbs) = element(content, SEQUENCE)?;
    let (algorithm, _) = element(after_tbs, SEQUENCE)?;
    element(algorithm, OBJECT_IDENTIFIER).map(|(oid, _)| oid)
}

/// The content of the DER element of this tag that `data` begins with, and what follows it.
fn element(data: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = data.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match first {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate's outline: an empty tbsCertificate, the algorithm, an empty signature.
    fn outline(oid: &[u8]) -> Vec<u8> {
        let algorithm = [&[OBJECT_IDENTIFIER, oid.len() as u8][..], oid].concat();
        let algorithm = [&[SEQUENCE, algorithm.len() as u8][..], &algorithm].concat();
        let content = [&[SEQUENCE, 0][..], &algorithm, &[0x03, 1, 0]].concat();
        [&[SEQUENCE, content.len() as u8][..], &content].concat()
    }

    #[test]
    fn the_hash_follows_the_signature_and_is_never_weaker_than_sha_256() {
        for (oid, hash) in SIGNATURES {
            let certificate = outline(oid);
            let expected = digest(hash, &certificate).as_ref().to_vec();
            assert_eq!(tls_server_end_point(&certificate), Some(expected), "{oid:02x?}");
        }
        assert_eq!(tls_server_end_point(&outline(&[0x2b, 0x65, 0x70])), None, "Ed25519");
    }

    #[test]
    fn a_truncated_certificate_has_no_binding_and_does_no_harm() {
        let certificate = outline(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]);
        for length in 0..certificate.len() {
            assert_eq!(tls_server_end_point(&certificate[..length]), None, "{length}");
        }
        assert_eq!(tls_server_end_point(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
