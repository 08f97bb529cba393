//! The pieces of a server that the scripts are made of.

use windlass_sdk::testing::Peer;

pub(super) const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
pub(super) const NONCE: &[u8; 20] = b"0123456789abcdefghij";

/// PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH.
const CAPABILITIES: u32 = (1 << 9) | (1 << 15) | (1 << 19);
pub(super) const SSL: u32 = 1 << 11;

/// A peer that counts packets.
pub(super) struct Server {
    pub(super) peer: Peer,
    number: u8,
}

impl Server {
    pub(super) fn new(peer: Peer) -> Self {
        Self { peer, number: 0 }
    }

    pub(super) fn send(&mut self, payload: &[u8]) {
        let packet = self.packet(payload);
        self.peer.send(&packet);
    }

    /// The next packet, ready to be sent.
    pub(super) fn packet(&mut self, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
        let mut packet = vec![length[0], length[1], length[2], self.number];
        packet.extend(payload);
        self.number = self.number.wrapping_add(1);
        packet
    }

    /// The next packet of the plugin's, which must have the right number.
    pub(super) fn receive(&mut self) -> Vec<u8> {
        let header = self.peer.receive(4);
        let length = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        assert_eq!(header[3], self.number, "a packet out of order");
        self.number = self.number.wrapping_add(1);
        self.peer.receive(length as usize)
    }

    /// Greets; returns the answer, without the head that every client sends.
    pub(super) fn greet(&mut self, version: &str, method: &str) -> Vec<u8> {
        self.send(&greeting(version, method, 0));
        self.answer_to_greeting()
    }

    /// Greets, and grants the request for TLS.
    pub(super) fn greet_with_tls(&mut self, version: &str, method: &str) -> Vec<u8> {
        self.send(&greeting(version, method, SSL));
        let request = self.receive();
        assert_eq!(request.len(), 32, "nothing but the request for TLS");
        assert_ne!(request[1] & 8, 0, "it asks for TLS");
        self.peer.accept_tls(None);
        self.answer_to_greeting()
    }

    fn answer_to_greeting(&mut self) -> Vec<u8> {
        let answer = self.receive();
        assert_eq!(answer[8], 45, "utf8mb4");
        answer[32..].to_vec()
    }

    /// Greets and lets in, with the shortest method.
    pub(super) fn let_in(&mut self, version: &str) {
        self.greet(version, "mysql_native_password");
        self.send(OK);
    }

    /// The next statement.
    pub(super) fn query(&mut self) -> String {
        self.number = 0;
        let mut command = self.receive();
        assert_eq!(command.remove(0), 3);
        String::from_utf8(command).unwrap()
    }

    /// The next statement; `None` once the plugin has said goodbye.
    pub(super) fn query_or_end(&mut self) -> Option<String> {
        self.number = 0;
        let mut command = self.receive();
        if command == [1] {
            self.peer.expect_close();
            return None;
        }
        assert_eq!(command.remove(0), 3);
        Some(String::from_utf8(command).unwrap())
    }

    /// Answers with rows.
    pub(super) fn rows(&mut self, columns: u8, rows: &[&[&str]]) {
        self.send(&[columns]);
        for _ in 0..columns {
            self.send(b"\x03def and what else describes a column");
        }
        self.send(&[0xfe, 0, 0, 2, 0]);
        for row in rows {
            let mut payload = Vec::new();
            for value in *row {
                payload.push(u8::try_from(value.len()).unwrap());
                payload.extend(value.as_bytes());
            }
            self.send(&payload);
        }
        self.send(&[0xfe, 0, 0, 2, 0]);
    }

    pub(super) fn error(&mut self, number: u16, text: &str) {
        self.send(&error(number, text));
    }

    /// Answers whose session it is.
    pub(super) fn belongs_to(&mut self, account: &str) {
        assert_eq!(self.query(), "SELECT CURRENT_USER()");
        self.rows(1, &[&[account]]);
    }

    /// Answers the first two statements of a change.
    pub(super) fn prepare(&mut self, version: &str, account: &str) {
        assert_eq!(self.query(), "SELECT VERSION(), @@version_comment, CURRENT_USER()");
        self.rows(3, &[&[version, "a server", account]]);
        let set = self.query();
        assert!(set.starts_with("SET NAMES utf8mb4, "), "{set}");
        assert!(set.contains("'NO_BACKSLASH_ESCAPES"), "{set}");
        self.send(OK);
    }

    /// Answers what MariaDB is asked about the session's own account.
    pub(super) fn describe_own(&mut self, identified: &str) {
        assert_eq!(self.query(), "SHOW CREATE USER CURRENT_USER()");
        self.rows(1, &[&[&format!("CREATE USER `app`@`%` IDENTIFIED {identified}")]]);
    }

    /// Answers the end of a second password as to an ordinary user, who may not.
    pub(super) fn denies_to_discard(&mut self) {
        assert_eq!(self.query(), "ALTER USER USER() DISCARD OLD PASSWORD");
        self.error(1227, "Access denied; you need (at least one of) ...");
    }

    /// Answers what the lock of a pair is called.
    pub(super) fn names_lock(&mut self) {
        assert!(self.query().contains(" FROM mysql.global_priv WHERE User = 'app'"));
        self.rows(1, &[&["c0ffee"]]);
    }

    /// Lets a turn of MariaDB's begin.
    pub(super) fn locks(&mut self) {
        self.names_lock();
        assert_eq!(self.query(), "SELECT GET_LOCK('windlass:c0ffee', 10)");
        self.rows(1, &[&["1"]]);
    }

    /// Answers the question why a statement was refused: the codes and texts of the warnings.
    pub(super) fn warns(&mut self, warnings: &[(&str, &str)]) {
        assert_eq!(self.query(), "SHOW WARNINGS");
        let rows: Vec<[&str; 3]> =
            warnings.iter().map(|(code, text)| ["Error", code, text]).collect();
        self.rows(3, &rows.iter().map(|row| &row[..]).collect::<Vec<_>>());
    }

    pub(super) fn goodbye(mut self) {
        self.number = 0;
        assert_eq!(self.receive(), [1]);
        self.peer.expect_close();
    }
}

pub(super) fn greeting(version: &str, method: &str, capabilities: u32) -> Vec<u8> {
    let capabilities = (CAPABILITIES | capabilities).to_le_bytes();
    let mut packet = vec![10];
    packet.extend(version.as_bytes());
    packet.extend([0, 1, 0, 0, 0]);
    packet.extend(&NONCE[..8]);
    packet.push(0);
    packet.extend(&capabilities[..2]);
    packet.extend([45, 2, 0]);
    packet.extend(&capabilities[2..]);
    packet.push(21);
    packet.extend([0; 10]);
    packet.extend(&NONCE[8..]);
    packet.push(0);
    packet.extend(method.as_bytes());
    packet.push(0);
    packet
}

pub(super) fn error(number: u16, text: &str) -> Vec<u8> {
    let mut packet = vec![0xff];
    packet.extend(number.to_le_bytes());
    packet.extend(b"#HY000");
    packet.extend(text.as_bytes());
    packet
}

/// A request for another method.
pub(super) fn switch(method: &str, nonce: &[u8]) -> Vec<u8> {
    [b"\xfe", method.as_bytes(), b"\0", nonce, b"\0"].concat()
}
