//! Top hashes as values. [`manifest`](super::manifest) computes them.

use std::fmt;
use std::str::FromStr;

/// The SHA-256 of the canonical form of a revision, which names its manifest: 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopHash(String);

/// Occurs when a string is not a top hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{excerpt}` is not a top hash; expected 64 of 0-9 a-f")]
pub struct InvalidTopHash {
    excerpt: String,
}

impl TopHash {
    pub(crate) fn from_digest(digest: &[u8; 32]) -> Self {
        use fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in digest {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// Returns the 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TopHash {
    type Err = InvalidTopHash;

    /// Parses a top hash. Surrounding white space is dropped, because the objects of some pointers end in a newline.
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
                excerpt: text.chars().take(80).collect(),
            })
        }
    }
}

impl fmt::Display for TopHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
