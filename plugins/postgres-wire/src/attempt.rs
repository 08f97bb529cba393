//! Who signs in, and where.

use windlass_sdk::Login;

/// Who signs in, and where.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The place, the database and whether TLS is required.
    pub login: &'a Login,
    /// The account.
    pub username: &'a str,
    password: Password<'a>,
}

/// Shows nothing.
#[derive(Clone, Copy)]
struct Password<'a>(&'a str);

impl std::fmt::Debug for Password<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl<'a> Attempt<'a> {
    /// The login as it is.
    pub fn new(login: &'a Login) -> Self {
        Self::with(login, &login.username, &login.password)
    }

    /// Another account in the place of the login's.
    pub fn with(login: &'a Login, username: &'a str, password: &'a str) -> Self {
        Self { login, username, password: Password(password) }
    }

    /// The password.
    pub fn password(&self) -> &'a str {
        self.password.0
    }
}
