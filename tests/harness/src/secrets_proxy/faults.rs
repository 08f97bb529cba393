//! What Secrets Manager answers when it does not do what it was asked, and how often.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::json;

/// A call that did not take effect, as the caller sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceFault {
    /// `ThrottlingException`, HTTP 400: too many calls.
    Throttled,
    /// `InternalServiceError`, HTTP 500.
    InternalError,
    /// HTTP 503 by what stands before the service, which speaks no JSON.
    Unavailable,
    /// `AccessDeniedException`, HTTP 400.
    AccessDenied,
}

impl ServiceFault {
    /// The answer to `action`.
    pub(super) fn answer(self, action: &str) -> Response<Full<Bytes>> {
        let (status, exception, message) = match self {
            Self::Throttled => {
                (StatusCode::BAD_REQUEST, "ThrottlingException", "Rate exceeded".to_owned())
            }
            Self::InternalError => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServiceError",
                "An error occurred on the server side.".to_owned(),
            ),
            Self::Unavailable => {
                let mut response = Response::new(Full::from("Service Unavailable"));
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                return response;
            }
            Self::AccessDenied => (
                StatusCode::BAD_REQUEST,
                "AccessDeniedException",
                format!("User: harness is not authorized to perform: secretsmanager:{action}"),
            ),
        };
        let body = json!({ "__type": exception, "Message": message }).to_string();
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = status;
        let json = HeaderValue::from_static("application/x-amz-json-1.1");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }
}

/// Chooses calls at random, the same ones for the same seed.
#[derive(Debug)]
pub(super) struct Share {
    fault: ServiceFault,
    percent: u8,
    state: u64,
}

impl Share {
    pub(super) fn new(fault: ServiceFault, percent: u8, seed: u64) -> Self {
        Self { fault, percent, state: seed }
    }

    /// The fault, if the next call is chosen.
    pub(super) fn draw(&mut self) -> Option<ServiceFault> {
        // SplitMix64: every seed is a good one, zero as well.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed % 100 < u64::from(self.percent)).then_some(self.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_about_as_large_as_asked_and_repeats_with_its_seed() {
        let chosen = |percent, seed| {
            let mut share = Share::new(ServiceFault::Throttled, percent, seed);
            (0..10_000).map(|_| share.draw().is_some()).collect::<Vec<_>>()
        };
        for (percent, low, high) in
            [(0, 0, 0), (10, 900, 1100), (50, 4800, 5200), (100, 10_000, 10_000)]
        {
            let count = chosen(percent, 7).into_iter().filter(|chosen| *chosen).count();
            assert!((low..=high).contains(&count), "{percent}: {count}");
        }
        assert_eq!(chosen(10, 7), chosen(10, 7));
        assert_ne!(chosen(10, 7), chosen(10, 8));
    }
}
