//! The fields of a secret that a rotation uses, each checked: an error names the field and what it has to
//! be, never what stands there.

use std::net::Ipv6Addr;

use serde_json::{Map, Value};

use crate::rotation::ports::TlsMode;
use crate::rotation::secret_problem::{Origin, SecretProblem};

/// The longest name that DNS carries (RFC 1035, section 2.3.4).
const HOST_BYTES: usize = 253;

/// The JSON object of a version, whose fields are not checked yet.
pub(super) struct Fields<'a> {
    pub(super) origin: &'a Origin,
    pub(super) fields: &'a Map<String, Value>,
}

impl Fields<'_> {
    /// The host, if there is one.
    pub(super) fn host(&self) -> Result<Option<String>, SecretProblem> {
        let Some(host) = self.optional("host")? else { return Ok(None) };
        // The host is shown in errors. One with other characters may be a whole address that somebody
        // pasted, password included: `user:password@host`, `scheme://…`, `host?password=…`.
        if !can_be_a_host(&host) {
            return Err(self.wrong("host", "a host name or an IP address"));
        }
        if host.contains(':') && !is_ipv6(&host) {
            return Err(self.wrong(
                "host",
                "a host name or an IP address alone, without a port; the port belongs in field `port`",
            ));
        }
        Ok(Some(host))
    }

    pub(super) fn port(&self) -> Result<Option<u16>, SecretProblem> {
        let wrong = || self.wrong("port", "a number from 1 to 65535");
        let port = match self.fields.get("port") {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => number.to_string().parse::<u16>(),
            Some(Value::String(text)) => text.trim().parse::<u16>(),
            Some(_) => return Err(wrong()),
        };
        match port {
            Ok(port) if port > 0 => Ok(Some(port)),
            _ => Err(wrong()),
        }
    }

    pub(super) fn tls(&self) -> TlsMode {
        match self.fields.get("ssl") {
            Some(Value::Bool(true)) => TlsMode::Required,
            Some(Value::Bool(false)) => TlsMode::Disabled,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => TlsMode::Required,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => TlsMode::Disabled,
            _ => TlsMode::Unspecified,
        }
    }

    pub(super) fn optional(&self, field: &'static str) -> Result<Option<String>, SecretProblem> {
        if !self.fields.contains_key(field) {
            return Ok(None);
        }
        self.required(field).map(|text| Some(text.to_owned()))
    }

    pub(super) fn optional_or_null(
        &self,
        field: &'static str,
    ) -> Result<Option<String>, SecretProblem> {
        match self.fields.get(field) {
            Some(Value::Null) => Ok(None),
            _ => self.optional(field),
        }
    }

    pub(super) fn required(&self, field: &'static str) -> Result<&str, SecretProblem> {
        match self.fields.get(field) {
            None => Err(SecretProblem::Missing { origin: self.origin.clone(), field }),
            Some(Value::String(text)) if text.is_empty() => {
                Err(SecretProblem::Empty { origin: self.origin.clone(), field })
            }
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(self.wrong(field, "a string")),
        }
    }

    fn wrong(&self, field: &'static str, expected: &'static str) -> SecretProblem {
        SecretProblem::Wrong { origin: self.origin.clone(), field, expected }
    }
}

/// Whether a text has nothing in it that no host name or address has.
pub(super) fn can_be_a_host(text: &str) -> bool {
    let of_hosts = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:%".contains(&byte);
    text.bytes().all(of_hosts) && text.len() <= HOST_BYTES
}

/// Whether a text is an IPv6 address, with the name of an interface or without.
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, "none"));
    address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty()
}
