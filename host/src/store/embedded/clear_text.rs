//! The only place where secret values are written out: into the state file, in clear.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::stored_value::StoredValue;
use crate::secret::Secret;

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Written<'a> {
    Text(&'a str),
    Binary(&'a str),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Read {
    Text(String),
    Binary(String),
}

#[expect(clippy::ref_option, reason = "serde's `with` hands over the field as it is")]
pub(super) fn serialize<S: Serializer>(
    value: &Option<Arc<StoredValue>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value.as_deref() {
        None => serializer.serialize_none(),
        Some(StoredValue::Text(text)) => Written::Text(text.reveal()).serialize(serializer),
        Some(StoredValue::Binary(bytes)) => {
            let text = Zeroizing::new(BASE64.encode(bytes.as_slice()));
            Written::Binary(&text).serialize(serializer)
        }
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Arc<StoredValue>>, D::Error> {
    let value = match Option::<Read>::deserialize(deserializer)? {
        None => return Ok(None),
        Some(Read::Text(text)) => StoredValue::Text(Secret::new(text)),
        Some(Read::Binary(text)) => {
            let text = Zeroizing::new(text);
            let bytes = BASE64
                .decode(text.as_bytes())
                .map_err(|_| D::Error::custom("a binary value is not base64"))?;
            StoredValue::Binary(Zeroizing::new(bytes))
        }
    };
    Ok(Some(Arc::new(value)))
}
