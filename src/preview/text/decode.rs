//! Bytes to text: gzip within a bound, byte-order marks, UTF-8, and Latin-1 where a name says that the bytes are text.

use std::io::Read as _;

use flate2::bufread::MultiGzDecoder;

use super::{MAX_TEXT_BYTES, Start, TextError};
use crate::preview::format::{Label, NotATable};

/// Unpacked content.
pub(super) struct Unpacked {
    pub bytes: Vec<u8>,
    pub continues: bool,
}

/// Unpacks at most [`MAX_TEXT_BYTES`]. The end of a beginning is no error.
pub(super) fn unpack(start: Start<'_>) -> Result<Unpacked, TextError> {
    let mut decoder = MultiGzDecoder::new(start.bytes);
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    while bytes.len() < MAX_TEXT_BYTES {
        match decoder.read(&mut piece) {
            Ok(0) => {
                let continues = start.continues;
                return Ok(Unpacked { bytes, continues });
            }
            Ok(read) => bytes.extend_from_slice(piece.get(..read).unwrap_or_default()),
            Err(error) if start.continues && error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Ok(Unpacked { bytes, continues: true });
            }
            Err(_) => return Err(TextError::DamagedGzip),
        }
    }
    bytes.truncate(MAX_TEXT_BYTES);
    Ok(Unpacked { bytes, continues: true })
}

/// Content as text.
pub(super) struct Decoded {
    pub text: String,
    pub encoding: &'static str,
}

/// Decodes content. An incomplete character at the end of a beginning is left out.
pub(super) fn decode(content: Start<'_>, label: &Label) -> Result<Decoded, NotATable> {
    let bytes = content.bytes.get(..MAX_TEXT_BYTES).unwrap_or(content.bytes);
    if bytes.is_empty() {
        return Err(NotATable::Empty);
    }
    if let Some((encoding, name)) = utf_16(bytes) {
        let text = encoding
            .decode_without_bom_handling(bytes.get(2..).unwrap_or_default())
            .0
            .into_owned();
        let is_damaged = text.trim_end_matches('\u{fffd}').contains(['\u{fffd}', '\0']);
        return (!is_damaged)
            .then_some(Decoded { text, encoding: name })
            .ok_or(NotATable::Unknown);
    }
    if bytes.contains(&0) {
        return Err(NotATable::Unknown);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Decoded {
            text: text.to_owned(),
            encoding: "utf-8",
        }),
        Err(error) if error.error_len().is_none() && content.continues => Ok(Decoded {
            text: String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default()).into_owned(),
            encoding: "utf-8",
        }),
        Err(_) if label.says_csv() || label.says_tsv() => Ok(Decoded {
            text: bytes.iter().map(|byte| char::from(*byte)).collect(),
            encoding: "latin-1",
        }),
        Err(_) => Err(NotATable::Unknown),
    }
}

fn utf_16(bytes: &[u8]) -> Option<(&'static encoding_rs::Encoding, &'static str)> {
    match bytes {
        [0xff, 0xfe, ..] => Some((encoding_rs::UTF_16LE, "utf-16le")),
        [0xfe, 0xff, ..] => Some((encoding_rs::UTF_16BE, "utf-16be")),
        _ => None,
    }
}
