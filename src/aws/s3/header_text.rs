//! Text in the headers of responses: RFC 2047 words, as S3 writes metadata that is not ASCII, and bytes that are not UTF-8,
//! as other programs wrote it.

use std::borrow::Cow;

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use encoding_rs::Encoding;

/// Decodes the words of RFC 2047 in a value (`=?CHARSET?B?…?=` and `=?CHARSET?Q?…?=`). What does not decode stays as it is.
pub(super) fn decode_words(value: &str) -> Cow<'_, str> {
    if !value.contains("=?") {
        return value.into();
    }
    let mut decoded = String::with_capacity(value.len());
    let mut rest = value;
    let mut is_after_encoded = false;
    while let Some(at) = rest.find("=?") {
        let (before, words) = rest.split_at(at);
        let parsed = Word::parse(words).and_then(|(first, after)| first.decode_with_following(after));
        // White space between two words belongs to neither.
        let is_between_encoded = is_after_encoded && parsed.is_some() && before.trim().is_empty();
        decoded.push_str(if is_between_encoded { "" } else { before });
        is_after_encoded = parsed.is_some();
        rest = if let Some((text, after)) = parsed {
            decoded.push_str(&text);
            after
        } else {
            decoded.push_str("=?");
            words.strip_prefix("=?").unwrap_or_default()
        };
    }
    decoded.push_str(rest);
    decoded.into()
}

/// An encoded word.
struct Word<'a> {
    charset: &'a str,
    bytes: Vec<u8>,
}

impl<'a> Word<'a> {
    /// Parses the word at the beginning of a text; also returns what follows it.
    fn parse(text: &'a str) -> Option<(Self, &'a str)> {
        let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
        let (encoding, rest) = rest.split_once('?')?;
        let (content, after) = rest.split_once("?=")?;
        let bytes = match encoding {
            "B" | "b" => BASE64_STANDARD.decode(content).ok()?,
            "Q" | "q" => decode_quoted(content)?,
            _ => return None,
        };
        // RFC 2231 adds a language to the charset.
        let charset = charset.split('*').next().unwrap_or_default();
        Some((Self { charset, bytes }, after))
    }

    /// Decodes the word together with the words that follow it in the same charset: some programs split characters between
    /// words.
    fn decode_with_following(mut self, mut after: &'a str) -> Option<(String, &'a str)> {
        while let Some((next, rest)) = Self::parse(after.trim_start())
            && next.charset.eq_ignore_ascii_case(self.charset)
        {
            self.bytes.extend(next.bytes);
            after = rest;
        }
        let encoding = Encoding::for_label_no_replacement(self.charset.as_bytes())?;
        let text = encoding.decode_without_bom_handling_and_without_replacement(&self.bytes)?;
        Some((text.into_owned(), after))
    }
}

/// Decodes the `Q` encoding.
fn decode_quoted(content: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(content.len());
    let mut rest = content.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'_' => b' ',
            b'=' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            b' ' | b'?' => return None,
            byte => byte,
        });
    }
    Some(bytes)
}

/// Reads values of response headers that are not UTF-8 as Latin-1, in which HTTP defined them once. The SDK would not
/// return the object at all.
#[derive(Debug)]
pub(super) struct Latin1Headers;

impl Intercept for Latin1Headers {
    fn name(&self) -> &'static str {
        "Latin1Headers"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response_mut().headers_mut();
        let is_readable = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok();
        let mut unreadable: Vec<String> = headers
            .iter_bytes()
            .filter(|(_, value)| !is_readable(value))
            .map(|(name, _)| name.to_owned())
            .collect();
        unreadable.dedup();
        for name in unreadable {
            let values: Vec<String> = headers.get_all_bytes(&name).map(latin_1_unless_utf_8).collect();
            headers.remove(&name);
            for value in values {
                headers.try_append(name.clone(), value)?;
            }
        }
        Ok(())
    }
}

fn latin_1_unless_utf_8(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_decode_are_decoded() {
        for (value, decoded) in [
            ("plain", "plain"),
            ("=?UTF-8?B?TcO8bGxlcg==?=", "Müller"),
            ("a =?utf-8*de?q?M=C3=BCller?= b", "a Müller b"),
            ("=?UTF-8?Q?M=C3?=\t=?utf-8?Q?=BC?= =?iso-8859-1?Q?=FC?=", "Müü"),
            ("=?UTF-8?Q?a_b=3D?=", "a b="),
        ] {
            assert_eq!(decode_words(value), decoded);
        }
        for value in [
            "=?",
            "=?=",
            "=?UTF-8?B?/w==?=",
            "=?UTF-8?B?no base64?=",
            "=?x?Q?a?=",
            "=?UTF-8?Q?=X?=",
            "=?UTF-8?Z?a?=",
        ] {
            assert_eq!(decode_words(value), value);
        }
    }
}
