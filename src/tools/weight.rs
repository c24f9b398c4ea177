//! What results take in memory while they are made, sent and not yet gone, to be asked for before they are made
//! ([`Session::hold`](super::Session::hold)).
//!
//! A result is there several times at once: as S3 sent it, as the tool's output, as a JSON value, as the text block, and in
//! the answer as one and the other. Each factor was measured, with a little more than was measured: see the test `memory`.

/// For each byte of an object that is shown as base64, or as text in which little is escaped.
pub const PIECE: usize = 7;
/// The same once more as an image.
pub const IMAGE: usize = 4;
/// For each byte of a name in a list, whatever is escaped in it; and for what else a list says of one thing.
const NAME: usize = 12;
const ITEM: usize = 4 * 1024;
/// For each byte of metadata in memory that is shown.
const METADATA: usize = 5;

/// Of a list of so many things with names of ordinary length.
pub fn of_items(count: usize) -> usize {
    count.saturating_mul(ITEM)
}

/// Of one thing in a list, by the bytes of its names and of its metadata.
pub fn of_item(names: usize, metadata: usize) -> usize {
    ITEM / 2 + NAME * names + METADATA * metadata
}

/// What a text takes beyond [`PIECE`]: a control character is written with six letters, and quotes are escaped twice where
/// JSON stands in a text.
pub fn of_escapes(text: &str) -> usize {
    let of = |byte: u8| match byte {
        0..0x20 => 20,
        b'"' | b'\\' => 8,
        _ => 0,
    };
    text.bytes().map(of).sum()
}
