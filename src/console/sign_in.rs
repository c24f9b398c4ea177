//! Users of the development environment, as whom the page signs in.

use secrecy::SecretString;

/// A user and its token.
#[derive(Debug, Clone)]
pub struct SignIn {
    pub name: String,
    pub token: SecretString,
}
