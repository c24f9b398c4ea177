//! Checks of AWS keys when they are read, so that a request can be signed with them.
//!
//! The access key id and the session token are written into headers of the request. The SDK panics on characters that no
//! header may have, such as the newline at the end of a value from a secret store.

use std::fmt;

use aws_credential_types::Credentials;

/// The part of a key with which no request can be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnusableKey {
    /// The access key id.
    Id,
    /// The secret access key.
    Secret,
    /// The session token.
    SessionToken,
}

impl fmt::Display for UnusableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id => "the access key id is empty or has characters that no key has, such as a newline",
            Self::Secret => "the secret access key is empty or has control characters, such as a newline",
            Self::SessionToken => "the session token has characters that no token has, such as a newline",
        })
    }
}

/// Checks keys of a caller, which are not changed.
pub(super) fn check(credentials: Credentials) -> Result<Credentials, UnusableKey> {
    let is_header_text = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    let (id, secret) = (credentials.access_key_id(), credentials.secret_access_key());
    if id.is_empty() || !is_header_text(id) {
        return Err(UnusableKey::Id);
    }
    if secret.is_empty() || secret.chars().any(char::is_control) {
        return Err(UnusableKey::Secret);
    }
    if !credentials.session_token().is_none_or(is_header_text) {
        return Err(UnusableKey::SessionToken);
    }
    Ok(credentials)
}

/// Checks the server's own keys without their outer white space, with which they come out of secret stores and files.
pub(super) fn check_own(credentials: &Credentials) -> Result<Credentials, UnusableKey> {
    let token = credentials
        .session_token()
        .map(str::trim)
        .filter(|token| !token.is_empty());
    check(Credentials::new(
        credentials.access_key_id().trim(),
        credentials.secret_access_key().trim(),
        token.map(str::to_owned),
        credentials.expiry(),
        "quilt-mcp",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(id: &str, secret: &str, token: Option<&str>) -> Credentials {
        Credentials::new(id, secret, token.map(str::to_owned), None, "test")
    }

    #[test]
    fn keys_that_cannot_sign_are_named() {
        assert!(check(keys("AKIAX", "a/b+c=", Some("x.y-z_/+="))).is_ok());
        for (id, secret, token, problem) in [
            ("AKIAX\n", "s", None, UnusableKey::Id),
            ("AKIA X", "s", None, UnusableKey::Id),
            ("AKIAÜ", "s", None, UnusableKey::Id),
            ("", "s", None, UnusableKey::Id),
            ("AKIAX", "s\n", None, UnusableKey::Secret),
            ("AKIAX", "", None, UnusableKey::Secret),
            ("AKIAX", "s", Some("t\r\n"), UnusableKey::SessionToken),
        ] {
            assert_eq!(
                check(keys(id, secret, token)).unwrap_err(),
                problem,
                "{id:?} {secret:?} {token:?}"
            );
        }
    }

    #[test]
    fn outer_white_space_of_the_servers_own_keys_is_cut() {
        let own = check_own(&keys(" AKIAX\n", "s\r\n", Some("\n"))).unwrap();
        assert_eq!((own.access_key_id(), own.secret_access_key()), ("AKIAX", "s"));
        assert_eq!(own.session_token(), None);
        assert_eq!(check_own(&keys("AK\nIAX", "s", None)).unwrap_err(), UnusableKey::Id);
    }
}
