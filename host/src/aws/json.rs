//! AWS's JSON 1.1 protocol: a JSON object out, one back. Amazon Redshift Serverless speaks it.
//!
//! Source: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::metadata::ErrorMetadata;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::signed::{self, Request};

/// A call of an action of a service, by the names of the protocol, with this input.
pub(crate) fn request<T: Serialize>(
    service: &str,
    action: &str,
    input: &T,
) -> serde_json::Result<Request> {
    let headers = vec![
        ("content-type", "application/x-amz-json-1.1".into()),
        ("x-amz-target", format!("{service}.{action}").into()),
    ];
    Ok(Request { headers, body: serde_json::to_string(input)? })
}

/// What an answer says that refuses a call: the code in the header or in the body, without the
/// namespace before it and the address behind it.
pub(crate) fn refusal(response: &HttpResponse) -> ErrorMetadata {
    let body = response.body().bytes().unwrap_or_default();
    let refused: Value = serde_json::from_slice(body).unwrap_or_default();
    // One by one: a field that is odd must not hide another.
    let text = |keys: [&str; 2]| keys.iter().find_map(|key| refused.get(key)?.as_str());
    let code = response.headers().get("x-amzn-errortype").or(text(["code", "__type"]));
    let code = code.map(|code| {
        let code = code.split(':').next().unwrap_or_default();
        code.rsplit('#').next().unwrap_or_default()
    });
    signed::refusal(code, text(["message", "Message"]))
}

/// An answer's JSON.
///
/// # Errors
/// If it is no JSON of this form; in words that say where.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    #[test]
    fn the_code_is_found_wherever_it_stands() {
        for (header, body, code) in [
            (None, r#"{"__type":"ThrottlingException"}"#, Some("ThrottlingException")),
            (None, r#"{"__type":"com.amazonaws#A:http://b"}"#, Some("A")),
            (Some("B:http://x/#y"), r#"{"code":"A"}"#, Some("B")),
            (None, r#"{"code":"A","message":"m"}"#, Some("A")),
            (None, r#"{"__type":"A","message":null,"Message":"m"}"#, Some("A")),
            (None, r#"{"__type":"A","message":"m","Message":"m"}"#, Some("A")),
            (None, r#"{"__type":"A","code":7}"#, Some("A")),
            (None, "<html>", None),
            (None, "", None),
        ] {
            let status = StatusCode::try_from(400).unwrap();
            let mut response = HttpResponse::new(status, SdkBody::from(body));
            if let Some(header) = header {
                response.headers_mut().insert("x-amzn-errortype", header);
            }
            assert_eq!(refusal(&response).code(), code, "{header:?} {body}");
        }
    }
}
