//! What a JSON text would become, counted before anything is made of it.

use std::borrow::Cow;

/// Deepest nesting of arrays and objects. `serde_json` itself stops at 128.
pub const MAX_DEPTH: usize = 120;
/// Most commas, which is about one fewer than the values: fifty thousand files may each have a logical key and metadata.
pub const MAX_VALUES: usize = 151_000;
/// Most arrays and objects.
pub const MAX_CONTAINERS: usize = 101_000;

/// Bytes of memory that decoding takes for each byte of the text, for each value and for each array or object, the typed
/// arguments made of them included. Measured with bodies of one string (2 to 4 bytes for each of its own), of a hundred
/// thousand members of one object (430), and of as many nested objects (900).
const BYTES_PER_BYTE: usize = 4;
const BYTES_PER_VALUE: usize = 430;
const BYTES_PER_CONTAINER: usize = 900;

/// Keys that `serde_json` gives a meaning of its own.
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
    /// Deepest nesting.
    pub depth: usize,
    /// Strings that, decoded, are one of `serde_json`'s private tokens.
    pub private_tokens: usize,
}

/// The text is nested deeper than [`MAX_DEPTH`], or has more than [`MAX_VALUES`] or [`MAX_CONTAINERS`] values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The JSON is nested deeper, or holds more values, than this server reads.")]
pub struct Excess;

impl Shape {
    /// Counts the values of a text. The text need not be valid JSON; what is counted is then never less than what a parser
    /// makes of it before it fails.
    pub fn measure(text: &[u8]) -> Result<Self, Excess> {
        let mut shape = Self {
            bytes: text.len(),
            ..Self::default()
        };
        let (mut depth, mut rest) = (0_usize, text);
        while let Some((byte, behind)) = rest.split_first() {
            rest = behind;
            match byte {
                b'"' => {
                    let (string, behind) = split_string(rest);
                    shape.private_tokens += usize::from(is_private_token(string));
                    rest = behind;
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

    /// Memory that the decoded values and the typed arguments made of them take, in bytes.
    #[must_use]
    pub fn decoded_bytes(&self) -> usize {
        self.bytes * BYTES_PER_BYTE + self.values * BYTES_PER_VALUE + self.containers * BYTES_PER_CONTAINER
    }
}

/// The inside of the string that `text` begins in, and what is behind its closing quote.
fn split_string(text: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        let place = at + found;
        if text.get(place) == Some(&b'"') {
            return (
                text.get(..place).unwrap_or_default(),
                text.get(place + 1..).unwrap_or_default(),
            );
        }
        at = place + 2;
    }
    (text, &[])
}

/// Whether a string, given as it is written, reads as a private token.
fn is_private_token(written: &[u8]) -> bool {
    // Each character is written as one byte, or as six with its escape.
    let is_candidate = |token: &str| (token.len()..=6 * token.len()).contains(&written.len());
    if !PRIVATE_TOKENS.iter().any(|token| is_candidate(token)) {
        return false;
    }
    if !written.contains(&b'\\') {
        return PRIVATE_TOKENS.iter().any(|token| token.as_bytes() == written);
    }
    let quoted = [b"\"", written, b"\""].concat();
    let decoded: Result<Cow<'_, str>, _> = serde_json::from_slice(&quoted);
    decoded.is_ok_and(|decoded| PRIVATE_TOKENS.contains(&decoded.as_ref()))
}
