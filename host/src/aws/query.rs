//! AWS's query protocol: a form out, XML back. Amazon RDS and Amazon Redshift speak it.
//!
//! Source: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::metadata::ErrorMetadata;
use form_urlencoded::Serializer;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::signed::{self, Request};

/// A call of an action, of this version of the API, with these parameters in this order.
pub(crate) fn request(action: &str, version: &str, parameters: &[(&str, &str)]) -> Request {
    let mut body = Serializer::new(String::new());
    body.append_pair("Action", action).append_pair("Version", version).extend_pairs(parameters);
    let form = "application/x-www-form-urlencoded".into();
    Request { headers: vec![("content-type", form)], body: body.finish() }
}

/// What an answer says that refuses a call.
pub(crate) fn refusal(response: &HttpResponse) -> ErrorMetadata {
    #[derive(Deserialize)]
    struct ErrorResponse {
        #[serde(rename = "Error")]
        error: Refused,
    }
    #[derive(Deserialize)]
    struct Refused {
        #[serde(rename = "Code")]
        code: Option<String>,
        #[serde(rename = "Message")]
        message: Option<String>,
    }
    let body = response.body().bytes().unwrap_or_default();
    // What is no error of this protocol comes from something in between, and its status says the rest.
    match read::<ErrorResponse>(body) {
        Ok(ErrorResponse { error }) => {
            signed::refusal(error.code.as_deref(), error.message.as_deref())
        }
        Err(_) => signed::refusal(None, None),
    }
}

/// An answer's XML. Elements that are not asked for are passed over; there are no entities but XML's
/// own five and numbers.
///
/// # Errors
/// If it is no XML of this form; in words that say where.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    quick_xml::de::from_str(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Answer {
        #[serde(rename = "Name")]
        name: Option<String>,
    }

    #[test]
    fn a_refusal_is_read_and_cut() {
        use aws_smithy_runtime_api::http::StatusCode;
        use aws_smithy_types::body::SdkBody;

        let refused = |body: String| {
            let status = StatusCode::try_from(400).unwrap();
            refusal(&HttpResponse::new(status, SdkBody::from(body)))
        };
        let error = |code: &str, message: &str| {
            let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
            refused(format!("<ErrorResponse>{error}</ErrorResponse>"))
        };
        let short = error("AccessDenied", "no");
        assert_eq!((short.code(), short.message()), (Some("AccessDenied"), Some("no")));
        let long = error(&"c".repeat(9000), &"é".repeat(9000));
        let lengths = [long.code(), long.message()].map(|text| text.unwrap().chars().count());
        assert_eq!(lengths, [128, 2000]);
        let page = refused("<html>502 Bad Gateway</html>".to_owned());
        assert_eq!((page.code(), page.message()), (None, None));
    }

    #[test]
    fn hostile_answers_are_refused_or_passed_over() {
        let nested = |depth: usize| {
            format!("<A>{}{}<Name>n</Name></A>", "<x>".repeat(depth), "</x>".repeat(depth))
        };
        let laughs = "<!DOCTYPE A [<!ENTITY l \"ha\"><!ENTITY l2 \"&l;&l;&l;&l;\">]>\
                      <A><Name>&l2;</Name></A>";
        let named = |name: &str| Ok(Answer { name: Some(name.to_owned()) });
        for (row, text, expected) in [
            ("plain", "<A><Name>n</Name><Other>o</Other></A>".to_owned(), named("n")),
            ("escaped", "<A><Name>&lt;&#65;&amp;</Name></A>".to_owned(), named("<A&")),
            ("CDATA", "<A><Name><![CDATA[<n>]]></Name></A>".to_owned(), named("<n>")),
            ("deeply nested", nested(100_000), named("n")),
            ("entities of its own", laughs.to_owned(), Err(())),
            ("cut off", "<A><Name>n".to_owned(), Err(())),
            ("twice", "<A><Name>n</Name><Name>m</Name></A>".to_owned(), Err(())),
            ("no XML", "{\"Name\":\"n\"}".to_owned(), Err(())),
            ("nothing", String::new(), Err(())),
        ] {
            let begun = Instant::now();
            let answer = read::<Answer>(text.as_bytes()).map_err(|_| ());
            assert_eq!(answer, expected, "{row}");
            // Not of speed, but of not growing: a minute is far beyond any machine's bad day.
            assert!(begun.elapsed() < Duration::from_mins(1), "{row}");
        }
        assert!(read::<Answer>(b"<A><Name>\xff</Name></A>").is_err());
    }
}
