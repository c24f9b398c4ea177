//! Mistakes in `Authorization` headers, each with a sentence of its own: a new login helps against none of them.
//!
//! Invariant: no part of the header is in a rejection, except the name of a scheme of a fixed list.

use super::MAX_TOKEN_BYTES;
use crate::identity::Rejection;

const WRITE_ONCE: &str = "Write the word Bearer once: the client may add it by itself.";
const FILL_IN: &str = "Set the variable or the input that the client's configuration names, or write the token itself in its place, \
                       and restart the client.";
const NO_QUOTES: &str = "Remove the quotation marks.";
const BLANK_AFTER: &str = "Write a blank after the word Bearer, and no other character.";
const SHORTER: &str = "Ask its issuer for a token with fewer claims.";
const IN_ONE_PIECE: &str = "Send the token in one piece, as its issuer returned it.";
const ONE_TOKEN: &str = "Send one token, without a comma.";
const UNABRIDGED: &str = "Copy the whole token, not what a log or a page shows of it.";
const AS_RETURNED: &str = "Send the token itself, as its issuer returned it.";

/// Marks of quotation.
const QUOTES: [char; 3] = ['"', '\'', '`'];

/// What programs write for a value that is absent.
const ABSENT: [&str; 9] = [
    "undefined",
    "null",
    "none",
    "nil",
    "nan",
    "(null)",
    "<nil>",
    "<none>",
    "<null>",
];

/// Words that documents write in place of a value.
const WORDS: [&str; 12] = [
    "changeme",
    "change_me",
    "change-me",
    "replaceme",
    "replace_me",
    "replace-me",
    "xxx",
    "todo",
    "yourtoken",
    "your_token_here",
    "your-token-here",
    "qk_your_key",
];

/// Parts of the names of variables and inputs that hold a token.
const TOKEN_NAMES: [&str; 7] = ["token", "jwt", "key", "bearer", "secret", "authorization", "auth"];

/// Returns why this text after the scheme is no token, if it is none.
pub(super) fn mistake(text: &str) -> Option<Rejection> {
    let invalid = |detail: &str, remedy| Some(Rejection::invalid_with(detail, remedy));
    if text.is_empty() {
        return Some(Rejection::Missing {
            detail: "The Authorization header has no token.",
        });
    }
    if ["{\"", "{ \"", "[{"].iter().any(|begin| text.starts_with(begin)) {
        return invalid("it is a JSON document", "Send the value of its access_token alone.");
    }
    if is_placeholder(text) {
        return Some(placeholder());
    }
    let first = text.split([' ', '\t', ':', ',']).next().unwrap_or_default();
    if is_bearer(first) {
        return invalid(
            "it begins with the scheme: the header has the word Bearer twice",
            WRITE_ONCE,
        );
    }
    if first.eq_ignore_ascii_case("authorization") {
        return invalid("it begins with the name of the header, Authorization", WRITE_ONCE);
    }
    if text.starts_with(QUOTES) || text.ends_with(QUOTES) {
        return invalid("it has quotation marks around it", NO_QUOTES);
    }
    if text.len() > MAX_TOKEN_BYTES {
        let detail = format!(
            "it has {} bytes, and this server accepts up to {MAX_TOKEN_BYTES} (16 KiB)",
            text.len()
        );
        return Some(Rejection::invalid_with(detail, SHORTER));
    }
    if text.contains(char::is_whitespace) {
        return invalid("it has a blank or a line break inside", IN_ONE_PIECE);
    }
    if text.contains(',') {
        return invalid("it has a comma inside, which no bearer token has", ONE_TOKEN);
    }
    if text.ends_with("...") || text.ends_with('…') {
        return invalid("it is shortened: it ends in dots", UNABRIDGED);
    }
    if text.contains("***") || text.contains("•••") {
        return invalid(
            "it is masked: it has a row of asterisks or dots instead of characters",
            UNABRIDGED,
        );
    }
    (!is_token68(text)).then(|| {
        let detail = "it has characters that no bearer token has (RFC 6750: letters, digits and -._~+/)";
        Rejection::invalid_with(detail, AS_RETURNED)
    })
}

/// Whether this is the name of the scheme, which is case-insensitive (RFC 9110, section 11.1).
pub(super) fn is_bearer(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("bearer")
}

/// Rejects a placeholder.
pub(super) fn placeholder() -> Rejection {
    Rejection::invalid_with("it is a placeholder that was not filled in", FILL_IN)
}

/// Schemes that this server does not accept, as messages write them.
const OTHER_SCHEMES: [(&str, &str); 10] = [
    (
        "token",
        "The Authorization header uses the scheme Token, and this server accepts Bearer only.",
    ),
    (
        "jwt",
        "The Authorization header uses the scheme JWT, and this server accepts Bearer only.",
    ),
    (
        "basic",
        "The Authorization header uses the scheme Basic, and this server accepts Bearer only.",
    ),
    (
        "digest",
        "The Authorization header uses the scheme Digest, and this server accepts Bearer only.",
    ),
    (
        "apikey",
        "The Authorization header uses the scheme ApiKey, and this server accepts Bearer only.",
    ),
    (
        "api-key",
        "The Authorization header uses the scheme ApiKey, and this server accepts Bearer only.",
    ),
    (
        "dpop",
        "The Authorization header uses the scheme DPoP, and this server accepts Bearer only.",
    ),
    (
        "negotiate",
        "The Authorization header uses the scheme Negotiate, and this server accepts Bearer only.",
    ),
    (
        "ntlm",
        "The Authorization header uses the scheme NTLM, and this server accepts Bearer only.",
    ),
    (
        "aws4-hmac-sha256",
        "The Authorization header uses the scheme AWS4-HMAC-SHA256, and this server accepts Bearer only.",
    ),
];

/// Whether this is the name of a scheme that this server does not accept.
pub(super) fn is_other_scheme(scheme: &str) -> bool {
    OTHER_SCHEMES.iter().any(|(name, _)| name.eq_ignore_ascii_case(scheme))
}

/// Rejects a header that does not use the Bearer scheme: as one without a token, or, if it has one in another form, as one
/// with an invalid token.
pub(super) fn of_other_scheme(value: &str, scheme: &str) -> Rejection {
    if let Some((_, detail)) = OTHER_SCHEMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(scheme)) {
        return Rejection::Missing { detail };
    }
    let lower = scheme.to_ascii_lowercase();
    let begins_with = |word: &str| lower.trim_start_matches(QUOTES).starts_with(word);
    if value.starts_with(QUOTES) && (begins_with("bearer") || begins_with("authorization")) {
        return Rejection::invalid_with(
            "the Authorization header has quotation marks around its value",
            NO_QUOTES,
        );
    }
    if begins_with("bearer") {
        return Rejection::invalid_with("there is no blank after the word Bearer", BLANK_AFTER);
    }
    if begins_with("authorization") {
        return Rejection::invalid_with("the Authorization header has its own name in its value", WRITE_ONCE);
    }
    let detail = if lower.is_empty() {
        "The Authorization header is empty."
    } else if scheme.starts_with("eyJ") || scheme.starts_with("qk_") {
        "The Authorization header has a token without its scheme: write the word Bearer and a blank before it."
    } else {
        "The Authorization header does not use the Bearer scheme."
    };
    Rejection::Missing { detail }
}

/// Whether the text is the name of a value, in the notation of some configuration, and not the value itself.
pub(super) fn is_placeholder(text: &str) -> bool {
    let quoted = text;
    let text = quoted.trim_matches(|c: char| QUOTES.contains(&c) || c.is_whitespace());
    if text.is_empty() {
        return !quoted.is_empty();
    }
    let is_enclosed = |pair: (&str, &str)| text.len() > 1 && text.starts_with(pair.0) && text.ends_with(pair.1);
    let lower = text.to_ascii_lowercase();
    ["${", "{{", "$(", "#{"].iter().any(|mark| text.contains(mark))
        || [("<", ">"), ("{", "}"), ("[", "]"), ("%", "%"), ("__", "__"), ("@", "@")]
            .into_iter()
            .any(is_enclosed)
        || text.starts_with('$')
        || ["process.env", "os.environ", "import.meta.env", "env:"]
            .iter()
            .any(|name| lower.starts_with(name))
        || ABSENT.contains(&lower.as_str())
        || WORDS.contains(&lower.as_str())
        || is_variable_name(text)
        || is_possessive_name(&lower)
}

/// Whether this is a name as `QUILT_API_TOKEN`.
fn is_variable_name(text: &str) -> bool {
    let is_of_variable = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.len() <= 64
        && text.contains('_')
        && text.chars().all(is_of_variable)
        && names_token(&text.to_ascii_lowercase())
}

/// Whether this is a name as `your-token` or `your_api_key_here`.
fn is_possessive_name(lower: &str) -> bool {
    let is_possessive = ["your", "my", "insert", "paste", "replace", "enter"]
        .iter()
        .any(|word| {
            let rest = lower.strip_prefix(word);
            rest.is_some_and(|rest| rest.starts_with(['-', '_', '.', ' ']))
        });
    lower.len() <= 64 && is_possessive && names_token(lower)
}

fn names_token(lower: &str) -> bool {
    lower
        .split(['-', '_', '.', ' '])
        .any(|word| TOKEN_NAMES.contains(&word))
}

fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let is_of_body = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    !body.is_empty() && body.bytes().all(is_of_body)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_are_no_mistakes() {
        for token in [
            "a",
            "abc",
            "token",
            "a.b.c",
            "qk_0123",
            "opaque",
            "x==",
            "-._~+/",
            "my-company",
            "eyJhbGciOiJub25lIn0.e30.",
            "A_B",
            "Nonesuch",
        ] {
            assert_eq!(mistake(token), None, "{token}");
        }
    }

    proptest! {
        #[test]
        fn no_mistake_shows_the_text(text in "[a-zA-Z0-9${}<>\"', ._-]{16,64}") {
            let canary = format!("canary{text}");
            let shown = format!("{:?} {:?}", mistake(&canary), of_other_scheme(&canary, &canary));
            prop_assert!(!shown.contains("canary"));
        }
    }
}
