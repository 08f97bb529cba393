//! A request's JSON, taken apart field by field: an error names the field, never what was in it.
//!
//! As at AWS, `null` is absent and a field that is not known is ignored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::SecretString;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::rejection::Rejection;
use crate::{ReplicaRegion, StoredValue, Tag};

/// The longest ARN that the service takes.
const ID_CHARACTERS: usize = 2048;

/// The fields that were not taken yet.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Rejection> {
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        // The parser's message may quote the text; its position can't.
        match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(_) => Err(Rejection::serialization("the request must be a JSON object")),
            Err(error) => Err(Rejection::serialization(format!(
                "the request is not JSON: line {}, column {}",
                error.line(),
                error.column()
            ))),
        }
    }

    /// What the request names its secret by, where it does; it stays there. No longer than a name or an
    /// ARN can be.
    pub(super) fn secret_id(&self) -> Option<String> {
        let id = self.0.get("SecretId")?.as_str()?;
        Some(id.chars().take(ID_CHARACTERS).collect())
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Rejection> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Rejection::wrong_type(name, "a string")),
        }
    }

    pub(super) fn secret(&mut self, name: &str) -> Result<Option<SecretString>, Rejection> {
        Ok(self.text(name)?.map(SecretString::from))
    }

    pub(super) fn required_text(&mut self, name: &str) -> Result<String, Rejection> {
        self.text(name)?.ok_or_else(|| Rejection::missing(name))
    }

    pub(super) fn integer(&mut self, name: &str) -> Result<Option<i64>, Rejection> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => match value.as_i64() {
                Some(number) => Ok(Some(number)),
                None => Err(Rejection::wrong_type(name, "a whole number")),
            },
        }
    }

    /// A flag that is off where it is absent.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Rejection> {
        Ok(self.choice(name)?.unwrap_or(false))
    }

    pub(super) fn choice(&mut self, name: &str) -> Result<Option<bool>, Rejection> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(Rejection::wrong_type(name, "true or false")),
        }
    }

    pub(super) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, Rejection> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let wrong = || Rejection::wrong_type(name, "a list of strings");
        let Value::Array(items) = value else { return Err(wrong()) };
        let texts = items.into_iter().map(|item| match item {
            Value::String(text) => Ok(text),
            _ => Err(wrong()),
        });
        texts.collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn object(&mut self, name: &str) -> Result<Option<Self>, Rejection> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Self(map))),
            Some(_) => Err(Rejection::wrong_type(name, "an object")),
        }
    }

    pub(super) fn objects(&mut self, name: &str) -> Result<Option<Vec<Self>>, Rejection> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let wrong = || Rejection::wrong_type(name, "a list of objects");
        let Value::Array(items) = value else { return Err(wrong()) };
        let objects = items.into_iter().map(|item| match item {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(wrong()),
        });
        objects.collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn tags(&mut self) -> Result<Option<Vec<Tag>>, Rejection> {
        let Some(items) = self.objects("Tags")? else { return Ok(None) };
        let tags = items.into_iter().map(|mut item| {
            let key = item.required_text("Key")?;
            Ok(Tag { key, value: item.text("Value")?.unwrap_or_default() })
        });
        tags.collect::<Result<_, _>>().map(Some)
    }

    /// Regions to copy a secret to.
    pub(super) fn regions(&mut self, name: &str) -> Result<Vec<ReplicaRegion>, Rejection> {
        let regions = self.objects(name)?.unwrap_or_default().into_iter().map(|mut region| {
            Ok(ReplicaRegion {
                region: region.required_text("Region")?,
                kms_key_id: region.text("KmsKeyId")?,
            })
        });
        regions.collect()
    }

    /// `SecretString` or `SecretBinary`, if one is there.
    pub(super) fn value(&mut self) -> Result<Option<StoredValue>, Rejection> {
        let text = self.secret("SecretString")?;
        let binary = self.text("SecretBinary")?.map(Zeroizing::new);
        match (text, binary) {
            (Some(_), Some(_)) => Err(Rejection::parameter(
                "You can't specify both a binary secret value and a string secret value in the \
                 same secret.",
            )),
            (Some(text), None) => Ok(Some(StoredValue::Text(text))),
            (None, Some(binary)) => match BASE64.decode(binary.as_bytes()) {
                Ok(bytes) => Ok(Some(StoredValue::Binary(Zeroizing::new(bytes)))),
                Err(_) => Err(Rejection::wrong_type("SecretBinary", "base64")),
            },
            (None, None) => Ok(None),
        }
    }

    /// Refuses what AWS would act upon and this server can't: ignoring it would mislead.
    pub(super) fn refuse(&mut self, names: &[&'static str]) -> Result<(), Rejection> {
        for name in names {
            let idle = match self.take(name) {
                None | Some(Value::Bool(false)) => true,
                Some(Value::Array(items)) => items.is_empty(),
                Some(_) => false,
            };
            if !idle {
                return Err(Rejection::parameter(format!(
                    "{name} is not supported by the embedded Secrets Manager."
                )));
            }
        }
        Ok(())
    }
}
