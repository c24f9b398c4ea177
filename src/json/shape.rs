//! Counts of a JSON text, taken before its values are built.

use std::borrow::Cow;

/// Maximum depth of nested arrays and objects. `serde_json` itself stops at 128.
pub const MAX_DEPTH: usize = 120;
/// Maximum number of commas, which is about one less than that of values. Allows 50,000 files with a logical key and
/// metadata each.
pub const MAX_VALUES: usize = 151_000;
/// Maximum number of arrays and objects.
pub const MAX_CONTAINERS: usize = 101_000;

/// Bytes of memory that decoding requires for each byte of the text, each value and each array or object, including the
/// typed arguments built from them. Measured with bodies of one string (2 to 4 bytes for each of its bytes), of an object
/// with 100,000 members (430), and of 100,000 nested objects (900).
const BYTES_PER_BYTE: usize = 4;
const BYTES_PER_VALUE: usize = 430;
const BYTES_PER_CONTAINER: usize = 900;

/// Keys with a special meaning in `serde_json`.
const PRIVATE_TOKENS: [&str; 2] = ["$serde_json::private::RawValue", "$serde_json::private::Number"];

/// Counts of a JSON text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape {
    /// Length of the text, in bytes.
    pub bytes: usize,
    /// Commas outside of strings.
    pub values: usize,
    /// Arrays and objects.
    pub containers: usize,
    /// Maximum depth.
    pub depth: usize,
    /// Strings that, decoded, are one of `serde_json`'s private tokens.
    pub private_tokens: usize,
}

/// Occurs when a text is nested deeper than [`MAX_DEPTH`], or has more than [`MAX_VALUES`] values or [`MAX_CONTAINERS`]
/// arrays and objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The JSON is nested deeper, or contains more values, than this server accepts.")]
pub struct Excess;

impl Shape {
    /// Counts the values of a text. The text need not be valid JSON; the counts are then at least those of the values that a
    /// parser builds before it fails.
    pub fn measure(text: &[u8]) -> Result<Self, Excess> {
        let mut shape = Self {
            bytes: text.len(),
            ..Self::default()
        };
        let mut depth = 0_usize;
        let mut rest = text;
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                b'"' => {
                    let (string, after) = split_string(rest);
                    shape.private_tokens += usize::from(is_private_token(string));
                    rest = after;
                }
                b'[' | b'{' => {
                    depth += 1;
                    shape.containers += 1;
                    shape.depth = shape.depth.max(depth);
                }
                b']' | b'}' => depth = depth.saturating_sub(1),
                b',' => shape.values += 1,
                _ => {}
            }
            let is_excessive = depth > MAX_DEPTH || shape.values > MAX_VALUES || shape.containers > MAX_CONTAINERS;
            if is_excessive {
                return Err(Excess);
            }
        }
        Ok(shape)
    }

    /// Estimates the memory of the decoded values and of the typed arguments built from them, in bytes.
    #[must_use]
    pub fn decoded_bytes(&self) -> usize {
        self.bytes * BYTES_PER_BYTE + self.values * BYTES_PER_VALUE + self.containers * BYTES_PER_CONTAINER
    }
}

/// Splits a text after a string's opening quote into the content of the string and the text after its closing quote.
fn split_string(text: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        let position = at + found;
        if text.get(position) == Some(&b'"') {
            return (
                text.get(..position).unwrap_or_default(),
                text.get(position + 1..).unwrap_or_default(),
            );
        }
        at = position + 2;
    }
    (text, &[])
}

/// Returns whether an encoded string decodes to a private token.
fn is_private_token(encoded: &[u8]) -> bool {
    // Each character is encoded as one byte, or as six in an escape.
    let is_candidate = |token: &str| (token.len()..=6 * token.len()).contains(&encoded.len());
    if !PRIVATE_TOKENS.iter().any(|token| is_candidate(token)) {
        return false;
    }
    if !encoded.contains(&b'\\') {
        return PRIVATE_TOKENS.iter().any(|token| token.as_bytes() == encoded);
    }
    let quoted = [b"\"", encoded, b"\""].concat();
    let decoded: Result<Cow<'_, str>, _> = serde_json::from_slice(&quoted);
    decoded.is_ok_and(|decoded| PRIVATE_TOKENS.contains(&decoded.as_ref()))
}
