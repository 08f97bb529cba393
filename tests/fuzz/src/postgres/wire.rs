//! The server's messages, for seeds.

pub(crate) const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
pub(crate) const READY: &[u8] = b"Z\0\0\0\x05I";

pub(crate) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

pub(crate) fn authentication(code: u32, body: &[u8]) -> Vec<u8> {
    message(b'R', &[&code.to_be_bytes()[..], body].concat())
}

pub(crate) fn error(code: &str, text: &str) -> Vec<u8> {
    message(b'E', format!("SFATAL\0VFATAL\0C{code}\0M{text}\0Da detail\0\0").as_bytes())
}

pub(crate) fn row(values: &[Option<&str>]) -> Vec<u8> {
    let mut body = u16::try_from(values.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
    for value in values {
        let length = value.map_or(-1, |value| i32::try_from(value.len()).unwrap_or(i32::MAX));
        body.extend(length.to_be_bytes());
        body.extend(value.unwrap_or_default().as_bytes());
    }
    message(b'D', &body)
}

/// Rows, with the head before and the end behind them.
pub(crate) fn table(rows: &[Vec<u8>]) -> Vec<u8> {
    let end = complete(&format!("SELECT {}", rows.len()));
    [message(b'T', b"\0\0"), rows.concat(), end].concat()
}

pub(crate) fn complete(tag: &str) -> Vec<u8> {
    message(b'C', format!("{tag}\0").as_bytes())
}

/// What a server says once it has let somebody in.
pub(crate) fn welcome() -> Vec<u8> {
    let parameter = message(b'S', b"server_version\x0015.0\0");
    [OK, &parameter, &message(b'K', &[0; 8]), READY].concat()
}
