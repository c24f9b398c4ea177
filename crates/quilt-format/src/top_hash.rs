//! What a top hash looks like. How it comes about is in [`super::manifest`].

use std::fmt;
use std::str::FromStr;

/// The SHA-256 of a revision's canonical form, which names its manifest: 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopHash(String);

/// Not a top hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is not a top hash; expected 64 of 0-9 a-f")]
pub struct InvalidTopHash {
    shown: String,
}

impl TopHash {
    pub(crate) fn of(digest: &[u8; 32]) -> Self {
        use fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in digest {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TopHash {
    type Err = InvalidTopHash;

    /// White space around it is dropped: some pointers end in a newline.
    fn from_str(text: &str) -> Result<Self, InvalidTopHash> {
        let trimmed = text.trim();
        if trimmed.len() == 64
            && trimmed
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err(InvalidTopHash {
                shown: text.chars().take(80).collect(),
            })
        }
    }
}

impl fmt::Display for TopHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
