//! What a range of an object's bytes is: text of an encoding, or a picture.

use encoding_rs::{Encoding, UTF_8};

/// Longest sequence of bytes of one character in the encodings that are decoded.
const LONGEST_CHARACTER: usize = 4;

/// An encoding by the names that people and Python use for it.
pub fn encoding(name: &str) -> Option<&'static Encoding> {
    let label = name.trim().to_ascii_lowercase().replace('_', "-");
    let label = match label.as_str() {
        "latin-1" => "latin1",
        "utf8" => "utf-8",
        "utf-16-le" => "utf-16le",
        "utf-16-be" => "utf-16be",
        other => other,
    };
    Encoding::for_label(label.as_bytes())
}

/// Text out of a range of bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text.
    pub text: String,
    /// Bytes skipped at the front because they belong to a character that begins before the range.
    pub skipped: usize,
    /// Bytes that the text stands for; what is cut off at the end is the beginning of a character.
    pub used: usize,
}

/// Decodes `bytes`. `starts_inside` and `ends_inside` say whether the object goes on before and behind them, where a
/// character may be cut. `None` for what is not text in this encoding.
pub fn decode(bytes: &[u8], encoding: &'static Encoding, starts_inside: bool, ends_inside: bool) -> Option<Decoded> {
    let skipped = if starts_inside && encoding == UTF_8 {
        bytes.iter().take(LONGEST_CHARACTER - 1).take_while(|byte| **byte & 0b1100_0000 == 0b1000_0000).count()
    } else {
        0
    };
    let bytes = bytes.get(skipped..)?;
    let cuts = if ends_inside { LONGEST_CHARACTER } else { 1 };
    (0..cuts.min(bytes.len() + 1)).find_map(|cut| {
        let whole = bytes.get(..bytes.len() - cut)?;
        let text = encoding.decode_without_bom_handling_and_without_replacement(whole)?;
        let text = text.strip_prefix('\u{feff}').filter(|_| !starts_inside).unwrap_or(&text);
        (!text.contains('\0')).then(|| Decoded { text: text.to_owned(), skipped, used: whole.len() })
    })
}

/// The MIME type of a picture that models can be shown, by its first bytes.
pub fn picture(bytes: &[u8]) -> Option<&'static str> {
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

    #[test]
    fn a_cut_never_splits_a_character() {
        let bytes = "añ€😀".as_bytes();
        let decoded = decode(&bytes[..bytes.len() - 1], UTF_8, false, true).unwrap();
        assert_eq!((decoded.text.as_str(), decoded.used), ("añ€", 6));
        let decoded = decode(&bytes[2..], UTF_8, true, false).unwrap();
        assert_eq!((decoded.text.as_str(), decoded.skipped), ("€😀", 1));
    }

    #[test]
    fn binary_is_not_text() {
        assert_eq!(decode(b"\x89PNG\x0d\x0a", UTF_8, false, false), None);
        assert_eq!(decode(b"a\0b", UTF_8, false, false), None);
        assert_eq!(decode("añ".as_bytes().get(..2).unwrap(), UTF_8, false, false), None, "a broken end is no cut");
        assert_eq!(decode(b"", UTF_8, false, false).unwrap().text, "");
    }

    #[test]
    fn encodings_by_the_names_people_use() {
        assert_eq!(decode(b"\xe9t\xe9", encoding("latin-1").unwrap(), false, false).unwrap().text, "été");
        assert_eq!(decode(b"h\0i\0", encoding("utf_16_le").unwrap(), false, false).unwrap().text, "hi");
        assert_eq!(decode(b"h\0i", encoding("utf-16le").unwrap(), false, true).unwrap().used, 2);
        assert_eq!(encoding("klingon"), None);
    }

    proptest! {
        #[test]
        fn reading_in_pieces_gives_the_whole(text in "[^\0\u{feff}]{0,80}", step in 4usize..9) {
            let bytes = text.as_bytes();
            let (mut offset, mut read) = (0, String::new());
            while offset < bytes.len() {
                let end = (offset + step).min(bytes.len());
                let piece = decode(&bytes[offset..end], UTF_8, offset > 0, end < bytes.len()).unwrap();
                prop_assert_eq!(piece.skipped, 0);
                prop_assert!(piece.used > 0);
                read.push_str(&piece.text);
                offset += piece.used;
            }
            prop_assert_eq!(read, text);
        }
    }
}
