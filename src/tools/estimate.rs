//! Estimates of the memory that results take until they are sent, reserved before they are made
//! ([`Session::reserve`](super::Session::reserve)).
//!
//! A result is in memory several times: as S3 sent it, as the tool's output, as a JSON value, as the text block, and twice in
//! the response. The factors were measured and rounded up; the test `memory` holds them.

/// For each byte of an object that is shown as base64, or as text in which little is escaped.
pub const CONTENT_FACTOR: usize = 7;
/// For each byte of an image, in addition to [`CONTENT_FACTOR`].
pub const IMAGE_FACTOR: usize = 4;
/// For each byte of a name in a list, with any escapes.
const NAME_FACTOR: usize = 12;
/// For each byte of metadata in memory that is shown.
const METADATA_FACTOR: usize = 5;
/// For an item of a list, with names of ordinary length.
const ITEM_BYTES: usize = 4 * 1024;
/// For each control character, which is escaped with six letters.
const CONTROL_BYTES: usize = 20;
/// For each quote or backslash, which is escaped twice where JSON is in a text.
const QUOTE_BYTES: usize = 8;

/// Estimates a list of `count` items with names of ordinary length.
pub fn estimate_items_bytes(count: usize) -> usize {
    count.saturating_mul(ITEM_BYTES)
}

/// Estimates one item of a list, by the bytes of its names and of its metadata.
pub fn estimate_item_bytes(names: usize, metadata: usize) -> usize {
    ITEM_BYTES / 2 + NAME_FACTOR * names + METADATA_FACTOR * metadata
}

/// Estimates the escapes of a text, in addition to [`CONTENT_FACTOR`].
pub fn estimate_escapes_bytes(text: &str) -> usize {
    let estimate = |byte: u8| match byte {
        0..0x20 => CONTROL_BYTES,
        b'"' | b'\\' => QUOTE_BYTES,
        _ => 0,
    };
    text.bytes().map(estimate).sum()
}
