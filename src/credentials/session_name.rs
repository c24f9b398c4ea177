//! The name of a role session, which is also its source identity: a claim of the user's token, so that every line of AWS's
//! audit log names the user.
//!
//! STS takes letters, digits and `_+=,.@-`. Each other byte is written as `=` and two hexadecimal digits, and `=` itself too,
//! so that no two users have the same name. A name is never cut for the same reason.

use std::fmt::Write as _;

/// Lengths that STS takes.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=64;

/// Returns the session name of the user whom this claim names, or why there is none.
pub(super) fn session_name(claim: &str, value: Option<&str>) -> Result<String, String> {
    let value = value.filter(|value| !value.is_empty()).ok_or_else(|| {
        format!("the token has no {claim} claim that is a string, which would be the name of the AWS session")
    })?;
    let name = escaped(value);
    if LENGTHS.contains(&name.len()) {
        return Ok(name);
    }
    Err(format!(
        "the token's {claim} claim cannot serve as an AWS session name: it has {} characters, each that STS does not take \
         counted as three, and STS takes {} to {}; the operator can choose another claim with QUILT_MCP_SESSION_NAME_CLAIM",
        name.len(),
        LENGTHS.start(),
        LENGTHS.end()
    ))
}

fn escaped(value: &str) -> String {
    let mut name = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"_+,.@-".contains(&byte) {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "={byte:02X}");
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads an escaped name.
    fn unescaped(name: &str) -> String {
        let mut pieces = name.split('=');
        let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
        for piece in pieces {
            let (code, rest) = piece.split_at(2);
            bytes.push(u8::from_str_radix(code, 16).unwrap());
            bytes.extend_from_slice(rest.as_bytes());
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn characters_that_sts_does_not_take_are_escaped() {
        for (subject, name) in [
            ("alice@example.com", "alice@example.com"),
            ("a+b,d.e@f-g_h", "a+b,d.e@f-g_h"),
            ("auth0|5f7c", "auth0=7C5f7c"),
            ("repo:o/r:ref", "repo=3Ao=2Fr=3Aref"),
            ("a=7Cb", "a=3D7Cb"),
            ("ü", "=C3=BC"),
            ("a b", "a=20b"),
        ] {
            assert_eq!(session_name("sub", Some(subject)).as_deref(), Ok(name));
        }
    }

    #[test]
    fn names_of_other_lengths_are_refused_and_not_cut() {
        assert!(session_name("sub", Some(&"x".repeat(64))).is_ok());
        for bad in ["a", &"x".repeat(65), &"|".repeat(22)] {
            let problem = session_name("email", Some(bad)).unwrap_err();
            assert!(
                problem.contains("email claim") && problem.contains("2 to 64"),
                "{problem}"
            );
        }
        for absent in [None, Some("")] {
            assert!(session_name("sub", absent).unwrap_err().contains("no sub claim"));
        }
    }

    proptest! {
        #[test]
        fn no_two_users_have_the_same_name(subject in any::<String>()) {
            let name = escaped(&subject);
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b)));
            prop_assert_eq!(unescaped(&name), subject);
        }
    }
}
