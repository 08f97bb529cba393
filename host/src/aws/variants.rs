//! Which of AWS's endpoints the environment asks for, as every SDK of AWS reads it: FIPS 140 and
//! dual-stack (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html>). The function's
//! clients are made without the SDK's own look around, so they look here.

use std::io;

/// `None` where nothing is said: the endpoint is the ordinary one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Variants {
    /// Validated by FIPS 140.
    pub fips: Option<bool>,
    /// Reachable by IPv4 and IPv6.
    pub dual_stack: Option<bool>,
}

impl Variants {
    /// What `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT` say.
    ///
    /// # Errors
    /// If one is neither true nor false: a typing mistake must not become an ordinary endpoint.
    pub fn from_environment() -> io::Result<Self> {
        Self::from(|name| std::env::var(name).ok())
    }

    fn from(variable: impl Fn(&str) -> Option<String>) -> io::Result<Self> {
        let read = |name: &str| match variable(name).as_deref() {
            None | Some("") => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(text) => {
                Err(io::Error::other(format!("{name} must be true or false, and is `{text}`")))
            }
        };
        Ok(Self {
            fips: read("AWS_USE_FIPS_ENDPOINT")?,
            dual_stack: read("AWS_USE_DUALSTACK_ENDPOINT")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_environment_says() {
        let read = |text: &str| Variants::from(|name| name.contains("FIPS").then(|| text.into()));
        assert_eq!(Variants::from(|_| None).unwrap(), Variants::default());
        for (text, fips) in
            [("", None), ("true", Some(true)), ("TRUE", Some(true)), ("False", Some(false))]
        {
            assert_eq!(read(text).unwrap(), Variants { fips, dual_stack: None }, "{text}");
        }
        let error = read("yes").unwrap_err().to_string();
        assert_eq!(error, "AWS_USE_FIPS_ENDPOINT must be true or false, and is `yes`");
    }
}
