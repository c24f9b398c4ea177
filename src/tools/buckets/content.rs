//! Detection and decoding of content: text in an encoding, and images.

use std::borrow::Cow;

use encoding_rs::Encoding;

/// Maximum length of one character in the encodings that are decoded.
pub const MAX_CHARACTER_BYTES: usize = 4;

/// A text encoding that can be decoded from any character on, without the text before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoding {
    /// Bytes below 0x80, unlike the web's encoding of this name, which is Windows-1252.
    Ascii,
    /// Each byte is the character of that number, unlike the web's encoding of this name.
    Latin1,
    /// UTF-8 with a byte-order mark, as Python's `utf-8-sig`. The mark is optional where it is read.
    Utf8Signed,
    /// UTF-16 in the byte order of the mark with which it begins.
    Utf16Marked,
    /// Another encoding, by its definition for the web.
    Other(&'static Encoding),
}

impl TextEncoding {
    /// Returns the encoding of this name, as people and Python write it. Stateful encodings are not supported, because they
    /// cannot be decoded in pieces.
    pub fn named(name: &str) -> Option<Self> {
        let label = name.trim().to_ascii_lowercase().replace('_', "-");
        let label = match label.as_str() {
            "ascii" | "us-ascii" => return Some(Self::Ascii),
            "latin-1" | "latin1" | "l1" | "iso-8859-1" | "iso8859-1" => return Some(Self::Latin1),
            "utf-8-sig" | "utf8-sig" => return Some(Self::Utf8Signed),
            "utf-16" | "utf16" | "ucs-2" => return Some(Self::Utf16Marked),
            "utf8" => "utf-8",
            "utf-16-le" => "utf-16le",
            "utf-16-be" => "utf-16be",
            other => other,
        };
        let encoding = Encoding::for_label_no_replacement(label.as_bytes())?;
        let is_stateful = encoding == encoding_rs::ISO_2022_JP || encoding == encoding_rs::X_USER_DEFINED;
        (!is_stateful).then_some(Self::Other(encoding))
    }

    /// Returns the encoding by which content that begins with these bytes is decoded; `None` if it lacks the mark that says
    /// so.
    pub fn resolve(self, start: &[u8]) -> Option<Self> {
        match self {
            Self::Utf16Marked => utf_16_mark(start).map(Self::Other),
            Self::Utf8Signed => Some(Self::Other(encoding_rs::UTF_8)),
            other => Some(other),
        }
    }

    fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Utf8Signed => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Self::Utf16Marked => None,
            Self::Ascii => bytes
                .is_ascii()
                .then(|| std::str::from_utf8(bytes).ok().map(Cow::Borrowed))
                .flatten(),
            Self::Latin1 => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
            Self::Other(encoding) => encoding.decode_without_bom_handling_and_without_replacement(bytes),
        }
    }

    /// Encodes a text. Returns `None` if the encoding lacks one of its characters, or cannot be encoded here.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Ascii => text.is_ascii().then(|| text.as_bytes().to_vec()),
            Self::Latin1 => text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect(),
            Self::Utf8Signed => Some(format!("\u{feff}{text}").into_bytes()),
            Self::Utf16Marked => {
                let units = std::iter::once(0xfeff).chain(text.encode_utf16());
                Some(units.flat_map(u16::to_le_bytes).collect())
            }
            Self::Other(encoding) if encoding == encoding_rs::UTF_16LE => {
                Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect())
            }
            Self::Other(encoding) if encoding == encoding_rs::UTF_16BE => {
                Some(text.encode_utf16().flat_map(u16::to_be_bytes).collect())
            }
            Self::Other(encoding) => match encoding.encode(text) {
                (bytes, _, false) => Some(bytes.into_owned()),
                (_, _, true) => None,
            },
        }
    }

    /// Decodes bytes; what is not text in this encoding becomes replacement characters.
    pub fn decode_lossy(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
            Self::Other(encoding) => encoding.decode_without_bom_handling(bytes).0,
            Self::Ascii | Self::Utf8Signed | Self::Utf16Marked => String::from_utf8_lossy(bytes),
        }
    }

    /// Returns the number of bytes that a decoded text had.
    pub fn encoded_len(self, text: &str) -> usize {
        match self {
            Self::Ascii | Self::Latin1 => text.chars().count(),
            Self::Utf8Signed => text.len(),
            Self::Utf16Marked => 2 * text.encode_utf16().count(),
            Self::Other(encoding) if encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE => {
                2 * text.encode_utf16().count()
            }
            Self::Other(encoding) => encoding.encode(text).0.len(),
        }
    }

    /// Whether each unit has two bytes.
    pub fn is_utf16(self) -> bool {
        [encoding_rs::UTF_16LE, encoding_rs::UTF_16BE]
            .map(Self::Other)
            .contains(&self)
    }

    /// Whether the content is UTF-8.
    pub fn is_utf8(self) -> bool {
        self == Self::Other(encoding_rs::UTF_8)
    }
}

/// Text that was decoded from a range of bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    pub text: String,
    /// Bytes skipped at the start, because they belong to a character that begins before the range.
    pub skipped: usize,
    /// Bytes that the text was decoded from, without an incomplete character at the end.
    pub used: usize,
}

/// Decodes the bytes after the first `lead` bytes, which only show whether the range begins inside a character.
/// `continues` says whether the object continues after the bytes. Returns `None` if they are not text in this encoding.
pub fn decode(bytes: &[u8], lead: usize, encoding: TextEncoding, continues: bool) -> Option<Decoded> {
    let (before, rest) = bytes.split_at_checked(lead)?;
    let is_inside = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
    let skipped = if lead > 0 && encoding.is_utf8() {
        rest.iter().take_while(is_inside).count()
    } else {
        0
    };
    if skipped > 0 {
        // The skipped bytes must complete a character that begins in the bytes before.
        let begin = before.iter().rposition(|byte| !is_inside(&byte))?;
        let character = bytes.get(begin..lead + skipped)?;
        std::str::from_utf8(character)
            .ok()
            .filter(|text| text.chars().count() == 1)?;
    }
    let rest = rest.get(skipped..)?;
    let cuts = if continues { MAX_CHARACTER_BYTES } else { 1 };
    (0..cuts.min(rest.len() + 1)).find_map(|cut| {
        let whole = rest.get(..rest.len() - cut)?;
        let text = encoding.decode(whole)?;
        let text = text.strip_prefix('\u{feff}').filter(|_| lead == 0).unwrap_or(&text);
        (!text.contains('\0')).then(|| Decoded {
            text: text.to_owned(),
            skipped,
            used: whole.len(),
        })
    })
}

/// Returns the encoding that a UTF-16 byte-order mark at the beginning of content stands for.
fn utf_16_mark(start: &[u8]) -> Option<&'static Encoding> {
    match start {
        [0xff, 0xfe, ..] => Some(encoding_rs::UTF_16LE),
        [0xfe, 0xff, ..] => Some(encoding_rs::UTF_16BE),
        _ => None,
    }
}

/// Returns why bytes that [`decode`] refused are not text, and what to do. `start` are the first bytes of the content, and
/// `offset` is the place of `bytes` in it.
pub fn explain_binary(
    bytes: &[u8],
    offset: u64,
    start: &[u8],
    (encoding, name): (TextEncoding, &str),
) -> (String, String) {
    let fetch = "bucket_object_fetch reads its bytes";
    if let Some(mark) = utf_16_mark(start).filter(|mark| encoding != TextEncoding::Other(mark)) {
        let problem = format!("begins with a {} byte-order mark, which is not {name}", mark.name());
        let hint = format!(
            "Read it with encoding={}, if it is text; {fetch}.",
            mark.name().to_lowercase()
        );
        return (problem, hint);
    }
    if let Some(at) = bytes
        .iter()
        .position(|byte| *byte == 0)
        .filter(|_| !encoding.is_utf16())
    {
        let problem = format!("holds NUL bytes (first at {}); it is binary", offset + at as u64);
        let hint = format!("Set encoding to utf-16le or utf-16be if it is UTF-16; {fetch}.");
        return (problem, hint);
    }
    let hint = format!("Set its encoding, such as latin-1 or windows-1252, if it is text; {fetch}.");
    // The first bytes may end a character that begins before them.
    let inside = bytes
        .iter()
        .take(3)
        .take_while(|byte| **byte & 0b1100_0000 == 0b1000_0000)
        .count();
    let rest = bytes.get(inside..).unwrap_or_default();
    let wrong = std::str::from_utf8(rest)
        .err()
        .map(|error| inside + error.valid_up_to());
    let wrong = wrong.and_then(|at| Some(format!(" (byte {:#04x} at {})", bytes.get(at)?, offset + at as u64)));
    let place = wrong.filter(|_| encoding.is_utf8()).unwrap_or_default();
    (format!("is not {name} text{place}"), hint)
}

/// Returns the MIME type of an image that models accept, from its first bytes.
pub fn image_mime_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UTF_8: TextEncoding = TextEncoding::Other(encoding_rs::UTF_8);

    fn named(name: &str) -> TextEncoding {
        TextEncoding::named(name).unwrap()
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        let bytes = "añ€😀".as_bytes();
        let decoded = decode(&bytes[..bytes.len() - 1], 0, UTF_8, true).unwrap();
        assert_eq!((decoded.text.as_str(), decoded.used), ("añ€", 6));
        let decoded = decode(bytes, 2, UTF_8, false).unwrap();
        assert_eq!((decoded.text.as_str(), decoded.skipped), ("€😀", 1));
    }

    #[test]
    fn what_is_broken_is_not_taken_for_a_cut() {
        assert_eq!(
            decode(b"abc\x80\x80def", 3, UTF_8, false),
            None,
            "the bytes before do not begin a character"
        );
        assert_eq!(decode(b"\x89PNG\x0d\x0a", 0, UTF_8, false), None);
        assert_eq!(decode(b"a\0b", 0, UTF_8, false), None);
        assert_eq!(
            decode("añ".as_bytes().get(..2).unwrap(), 0, UTF_8, false),
            None,
            "a broken end is no cut"
        );
        assert_eq!(decode(b"", 0, UTF_8, false).unwrap().text, "");
    }

    #[test]
    fn encodings_are_what_their_names_say() {
        assert_eq!(decode(b"\xe9t\xe9", 0, named("latin-1"), false).unwrap().text, "été");
        assert_eq!(decode(b"\x80", 0, named("iso-8859-1"), false).unwrap().text, "\u{80}");
        assert_eq!(decode(b"\x80", 0, named("windows-1252"), false).unwrap().text, "€");
        assert_eq!(decode(b"\xe9", 0, named("ascii"), false), None);
        assert_eq!(decode(b"h\0i\0", 0, named("utf_16_le"), false).unwrap().text, "hi");
        assert_eq!(decode(b"h\0i", 0, named("utf-16le"), true).unwrap().used, 2);
        assert_eq!(named("utf-16").resolve(b"\xfe\xff\0h"), Some(named("utf-16be")));
        assert_eq!(named("utf-16").resolve(b"h\0"), None);
        for unknown in ["klingon", "iso-2022-jp", "replacement"] {
            assert_eq!(TextEncoding::named(unknown), None, "{unknown}");
        }
        assert_eq!(named("latin-1").encode("é"), Some(vec![0xe9]));
        assert_eq!(named("latin-1").encode("€"), None);
        assert_eq!(named("ascii").encode("é"), None);
        assert_eq!(named("utf-16be").encode("h"), Some(vec![0, b'h']));
    }

    proptest! {
        #[test]
        fn reading_in_pieces_gives_the_whole(text in "[^\0\u{feff}]{0,80}", step in 4usize..9) {
            let bytes = text.as_bytes();
            let mut offset = 0_usize;
            let mut read = String::new();
            while offset < bytes.len() {
                let begin = offset.saturating_sub(3);
                let end = (offset + step).min(bytes.len());
                let piece = decode(&bytes[begin..end], offset - begin, UTF_8, end < bytes.len()).unwrap();
                prop_assert_eq!(piece.skipped, 0);
                prop_assert!(piece.used > 0);
                read.push_str(&piece.text);
                offset += piece.used;
            }
            prop_assert_eq!(read, text);
        }
    }
}
