//! Answers are read up to a length: what answers may be anybody, where an endpoint is configured.

use std::error::Error;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, InterceptorContext,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use http_body_util::{LengthLimitError, Limited};

/// In bytes. A page of a hundred workgroups has 200 kB.
pub(super) const LONGEST_ANSWER: usize = 4 * 1024 * 1024;

/// Stops reading an answer that is longer.
#[derive(Debug)]
pub(super) struct AnswerLimit;

#[dyn_dispatch_hint]
impl Intercept for AnswerLimit {
    fn name(&self) -> &'static str {
        "AnswerLimit"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = std::mem::replace(context.response_mut().body_mut(), SdkBody::taken());
        let limited = SdkBody::from_body_1_x(Limited::new(body, LONGEST_ANSWER));
        *context.response_mut().body_mut() = limited;
        Ok(())
    }
}

/// An answer that is too long will be too long again.
#[derive(Debug)]
pub(super) struct TooLong;

impl ClassifyRetry for TooLong {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let failure = context.output_or_error().and_then(Result::err);
        match failure.is_some_and(|error| is_too_long(error)) {
            true => RetryAction::RetryForbidden,
            false => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "an answer that is too long"
    }
}

/// Whether an error, or one of its causes, is that an answer was too long.
pub(crate) fn is_too_long(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |cause| (*cause).source())
        .any(|cause| cause.is::<LengthLimitError>())
}
