//! Short cursors: a position in as few bytes as it takes, behind a digest of the question that it is a position of.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use quilt_format::TopHash;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::cursor;
use crate::tools::ToolError;

/// Bytes of the digest. It tells questions apart by mistake only; a forged cursor reads nothing that the call may not.
const DIGEST_BYTES: usize = 6;
const TOP_HASH_BYTES: usize = 32;

/// The arguments that all pages of a list share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question([u8; DIGEST_BYTES]);

/// A cursor that is written.
#[derive(Debug)]
pub(super) struct CursorWriter(Vec<u8>);

/// A cursor that is read, field by field.
#[derive(Debug)]
pub(super) struct CursorReader(std::vec::IntoIter<u8>);

impl Question {
    pub(super) fn of(arguments: &impl Serialize) -> Self {
        let digest = Sha256::digest(serde_json::to_vec(arguments).unwrap_or_default());
        let mut first = [0; DIGEST_BYTES];
        first.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(first)
    }

    /// Begins a cursor.
    pub(super) fn cursor(self) -> CursorWriter {
        CursorWriter(self.0.to_vec())
    }

    /// Reads a cursor, if one is given; that of another question is an error.
    pub(super) fn read(self, cursor: Option<&str>) -> Result<Option<CursorReader>, ToolError> {
        let Some(text) = cursor.filter(|cursor| !cursor.is_empty()) else {
            return Ok(None);
        };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| cursor::foreign())?;
        let mut fields = bytes.into_iter();
        let digest: Vec<u8> = fields.by_ref().take(DIGEST_BYTES).collect();
        if digest != self.0 {
            return Err(cursor::foreign());
        }
        Ok(Some(CursorReader(fields)))
    }
}

impl CursorWriter {
    pub(super) fn hash(mut self, hash: &TopHash) -> Self {
        let digits: Vec<u8> = hash
            .as_str()
            .bytes()
            .filter_map(|digit| char::from(digit).to_digit(16))
            .filter_map(|digit| u8::try_from(digit).ok())
            .collect();
        let bytes = digits.chunks_exact(2);
        self.0
            .extend(bytes.map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit)));
        self
    }

    /// Appends an integer: seven bits a byte, the lowest first.
    pub(super) fn number(mut self, mut number: u64) -> Self {
        loop {
            let low = u8::try_from(number & 0x7f).unwrap_or_default();
            number >>= 7;
            if number == 0 {
                self.0.push(low);
                return self;
            }
            self.0.push(low | 0x80);
        }
    }

    /// Appends a text, as the last field.
    pub(super) fn text(mut self, text: &str) -> String {
        self.0.extend_from_slice(text.as_bytes());
        self.end()
    }

    pub(super) fn end(self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl CursorReader {
    pub(super) fn hash(&mut self) -> Result<TopHash, ToolError> {
        let bytes = self.0.by_ref().take(TOP_HASH_BYTES);
        let digits = bytes.fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"));
        digits.parse().map_err(|_| cursor::foreign())
    }

    pub(super) fn number(&mut self) -> Result<u64, ToolError> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.0.next().ok_or_else(cursor::foreign)?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(cursor::foreign())
    }

    /// Reads the last field.
    pub(super) fn text(self) -> Result<String, ToolError> {
        String::from_utf8(self.0.collect()).map_err(|_| cursor::foreign())
    }

    /// Reads the end, behind which there is nothing.
    pub(super) fn end(mut self) -> Result<(), ToolError> {
        self.0.next().map_or(Ok(()), |_| Err(cursor::foreign()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_by_the_same_question_alone() {
        let hash: TopHash = "0123456789abcdef".repeat(4).parse().unwrap();
        let question = Question::of(&("tool", "bucket"));
        for number in [0, 1, 127, 128, 300, u64::MAX] {
            let cursor = question.cursor().hash(&hash).number(number).text("ä/b");
            let mut fields = question.read(Some(&cursor)).unwrap().unwrap();
            assert_eq!(
                (fields.hash().unwrap(), fields.number().unwrap()),
                (hash.clone(), number)
            );
            assert_eq!(fields.text().unwrap(), "ä/b");
            assert!(Question::of(&("tool", "other")).read(Some(&cursor)).is_err());
            let mut cut = question.read(cursor.get(..40)).unwrap().unwrap();
            assert!(cut.hash().is_err());
        }
        assert!(question.read(None).unwrap().is_none());
        let endless = BASE64_URL_SAFE_NO_PAD.encode([question.0.as_slice(), &[0xff; 12]].concat());
        assert!(question.read(Some(&endless)).unwrap().unwrap().number().is_err());
        let longer = question.cursor().number(1).number(2).end();
        let mut fields = question.read(Some(&longer)).unwrap().unwrap();
        fields.number().unwrap();
        assert!(fields.end().is_err());
    }
}
