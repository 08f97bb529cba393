//! The pieces of a server that scripted tests are made of. What is out of step panics: that is how a
//! test reports.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "only tests use it, and a panic is their report"
)]

use windlass_sdk::testing::Peer;

/// The request for TLS.
pub const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
/// Lets the account in.
pub const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
/// Asks for the password itself.
pub const ASK_CLEARTEXT: &[u8] = b"R\0\0\0\x08\0\0\0\x03";
/// Asks for the MD5 hash, with the salt 1, 2, 3, 4.
pub const ASK_MD5: &[u8] = b"R\0\0\0\x0c\0\0\0\x05\x01\x02\x03\x04";
/// Waits for a statement.
pub const READY: &[u8] = b"Z\0\0\0\x05I";

/// A message.
pub fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![tag];
    message.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    message.extend(body);
    message
}

/// A request for authentication.
pub fn authentication(code: u32, body: &[u8]) -> Vec<u8> {
    message(b'R', &[&code.to_be_bytes()[..], body].concat())
}

/// An ErrorResponse with everything that a server may add to it.
pub fn error(code: &str, text: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, value) in [
        ('S', "FATAL"),
        ('V', "FATAL"),
        ('C', code),
        ('M', text),
        ('D', "a detail with old-p4ssword"),
        ('H', "a hint with old-p4ssword"),
        ('W', "a context with new-p4ssword"),
        ('q', "ALTER ROLE app PASSWORD 'new-p4ssword'"),
    ] {
        body.push(u8::try_from(field).unwrap());
        body.extend(value.as_bytes());
        body.push(0);
    }
    body.push(0);
    message(b'E', &body)
}

/// A result of one row, its values in text.
pub fn row(values: &[Option<&str>]) -> Vec<u8> {
    let mut body = u16::try_from(values.len()).unwrap().to_be_bytes().to_vec();
    for value in values {
        match value {
            Some(value) => {
                body.extend(i32::try_from(value.len()).unwrap().to_be_bytes());
                body.extend(value.as_bytes());
            }
            None => body.extend((-1_i32).to_be_bytes()),
        }
    }
    message(b'D', &body)
}

/// The head of a result: the names of its columns mean nothing to the plugin.
pub fn head() -> Vec<u8> {
    message(b'T', b"\0\0")
}

/// The end of a statement.
pub fn complete(tag: &str) -> Vec<u8> {
    message(b'C', format!("{tag}\0").as_bytes())
}

/// The next message that the plugin sends.
pub fn receive(peer: &mut Peer) -> (u8, Vec<u8>) {
    let header = peer.receive(5);
    let length = u32::from_be_bytes(header[1..].try_into().unwrap());
    (header[0], peer.receive(length as usize - 4))
}

/// The request for TLS, granted.
pub fn accept_tls(peer: &mut Peer, binding: Option<Vec<u8>>) {
    peer.expect(SSL_REQUEST);
    peer.send(b"S");
    peer.accept_tls(binding);
}

/// The startup packet: its strings, names and values in turn.
pub fn startup(peer: &mut Peer) -> Vec<String> {
    let length = u32::from_be_bytes(peer.receive(4).try_into().unwrap());
    let body = peer.receive(length as usize - 4);
    assert_eq!(body[..4], [0, 3, 0, 0], "protocol 3.0");
    let text = String::from_utf8(body[4..].to_vec()).unwrap();
    text.trim_end_matches('\0').split('\0').map(str::to_owned).collect()
}

/// What a server says once it has let somebody in.
pub fn welcome(peer: &mut Peer) {
    let mut all = OK.to_vec();
    all.extend(message(b'S', b"server_version\x0015.0\0"));
    all.extend(message(b'K', &[0; 8]));
    all.extend(READY);
    peer.send(&all);
}

/// From the startup packet to ReadyForQuery, with MD5: the shortest way in.
pub fn let_in(peer: &mut Peer) {
    startup(peer);
    peer.send(ASK_MD5);
    assert_eq!(receive(peer).0, b'p');
    welcome(peer);
}

/// The next statement.
pub fn query(peer: &mut Peer) -> String {
    let (tag, mut body) = receive(peer);
    assert_eq!((tag, body.pop()), (b'Q', Some(0)));
    String::from_utf8(body).unwrap()
}

/// Answers the statement that asks whose session it is.
pub fn belongs_to(peer: &mut Peer, user: &str) {
    assert_eq!(query(peer), "SELECT session_user");
    peer.send(&[head(), row(&[Some(user)]), complete("SELECT 1"), READY.to_vec()].concat());
}

/// What a server reports once it has let somebody in as `user`.
pub fn welcome_as(peer: &mut Peer, user: &str) {
    let report = format!("session_authorization\0{user}\0");
    peer.send(&[OK, &message(b'S', report.as_bytes()), READY].concat());
}

/// The end of the session.
pub fn goodbye(peer: &mut Peer) {
    assert_eq!(receive(peer), (b'X', vec![]));
    peer.expect_close();
}
