//! The parser, which accepts exactly what Python's `json.JSONDecoder().decode` accepts.
//!
//! Beyond RFC 8259, these are `NaN`, `Infinity`, `-Infinity`, doubles out of range (as infinity) and lone surrogates in
//! escapes. A byte order mark is rejected, and so are integers of more than 4,300 digits (`sys.set_int_max_str_digits`).

use super::scan::split_plain_string;
use super::{Number, Object, Text, Value};

/// The maximum depth of nested arrays and objects. Python's limit is its recursion limit of 1,000 less the frames of its
/// caller; this one is a little lower, so that quilt3 can read what this crate writes.
pub const MAX_DEPTH: usize = 900;

/// Python's default for `sys.set_int_max_str_digits`.
const MAX_DIGITS: usize = 4300;

/// Occurs when a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {at}")]
pub struct ParseError {
    /// The problem.
    pub problem: &'static str,
    /// The position of the problem, in bytes from the start of the text.
    pub at: usize,
}

/// Parses one value, with optional white space around it.
pub fn parse(text: &str) -> Result<Value, ParseError> {
    let mut parser = Parser {
        text: text.as_bytes(),
        at: 0,
    };
    parser.space();
    let value = parser.value(0)?;
    parser.space();
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.error("unexpected text after the value")),
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    fn error(&self, problem: &'static str) -> ParseError {
        ParseError { problem, at: self.at }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let matches = self.peek() == Some(byte);
        self.at += usize::from(matches);
        matches
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn literal(&mut self, literal: &[u8], value: Value) -> Result<Value, ParseError> {
        if self.rest().starts_with(literal) {
            self.at += literal.len();
            Ok(value)
        } else {
            Err(self.error("expected a value"))
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, ParseError> {
        match self.peek() {
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'{') => self.object(self.descend(depth)?),
            Some(b'[') => self.array(self.descend(depth)?),
            Some(b'n') => self.literal(b"null", Value::Null),
            Some(b't') => self.literal(b"true", Value::Bool(true)),
            Some(b'f') => self.literal(b"false", Value::Bool(false)),
            Some(b'N') => self.literal(b"NaN", Value::Number(Number::Float(f64::NAN))),
            Some(b'I') => self.literal(b"Infinity", Value::Number(Number::Float(f64::INFINITY))),
            Some(b'-') if self.rest().starts_with(b"-I") => {
                self.literal(b"-Infinity", Value::Number(Number::Float(f64::NEG_INFINITY)))
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.error("expected a value")),
        }
    }

    fn descend(&self, depth: usize) -> Result<usize, ParseError> {
        if depth < MAX_DEPTH {
            Ok(depth + 1)
        } else {
            Err(self.error("arrays and objects are nested too deeply"))
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, ParseError> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            self.space();
            items.push(self.value(depth)?);
            self.space();
            if self.take(b']') {
                return Ok(Value::Array(items));
            }
            if !self.take(b',') {
                return Err(self.error("expected `,` or `]`"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, ParseError> {
        self.at += 1;
        let mut pairs = Vec::with_capacity(4);
        self.space();
        if self.take(b'}') {
            return Ok(Value::Object(Object::new()));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a key in double quotes"));
            }
            let key = self.string()?;
            self.space();
            if !self.take(b':') {
                return Err(self.error("expected `:`"));
            }
            self.space();
            let value = self.value(depth)?;
            pairs.push((key, value));
            self.space();
            if self.take(b'}') {
                return Ok(Value::Object(Object::from_pairs(pairs)));
            }
            if !self.take(b',') {
                return Err(self.error("expected `,` or `}`"));
            }
        }
    }

    fn digits(&mut self) -> usize {
        let count = self.rest().iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn number(&mut self) -> Result<Value, ParseError> {
        let start = self.at;
        let negative = self.take(b'-');
        let whole = if self.take(b'0') { 1 } else { self.digits() };
        if whole == 0 {
            return Err(self.error("expected a digit"));
        }
        let end = self.at;
        let mut integer = true;
        if self.take(b'.') {
            if self.digits() == 0 {
                return Err(self.error("expected a digit"));
            }
            integer = false;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return Err(self.error("expected a digit"));
            }
            integer = false;
        }
        let literal = std::str::from_utf8(self.text.get(start..self.at).unwrap_or_default()).unwrap_or_default();
        if !integer {
            let number = literal.parse().map_err(|_| ParseError {
                problem: "not a number",
                at: start,
            })?;
            return Ok(Value::Number(Number::Float(number)));
        }
        if whole > MAX_DIGITS {
            return Err(ParseError {
                problem: "an integer has more than 4,300 digits",
                at: end,
            });
        }
        let literal = if negative && literal == "-0" { "0" } else { literal };
        Ok(Value::Number(Number::Integer(literal.into())))
    }

    fn string(&mut self) -> Result<Text, ParseError> {
        if let Some((quoted, _)) = split_plain_string(self.rest()) {
            self.at += quoted.len();
            return Ok(Text::new(quoted.get(1..quoted.len() - 1).unwrap_or_default().to_vec()));
        }
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let rest = self.rest();
            let special = rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20));
            let Some(length) = special else {
                return Err(self.error("a string is not terminated"));
            };
            out.extend_from_slice(rest.get(..length).unwrap_or_default());
            self.at += length;
            if self.take(b'"') {
                return Ok(Text::new(out));
            }
            if !self.take(b'\\') {
                return Err(self.error("a string contains an unescaped control character"));
            }
            self.escape(&mut out)?;
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), ParseError> {
        let Some(letter) = self.peek() else {
            return Err(self.error("a string is not terminated"));
        };
        let plain = match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.at += 1;
                let mut code = self.hex4()?;
                if (0xd800..0xdc00).contains(&code) && self.rest().starts_with(b"\\u") {
                    let back = self.at;
                    self.at += 2;
                    let low = self.hex4()?;
                    if (0xdc00..0xe000).contains(&low) {
                        code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                    } else {
                        self.at = back;
                    }
                }
                push_code(code, out);
                return Ok(());
            }
            _ => return Err(self.error("unknown escape")),
        };
        self.at += 1;
        out.push(plain);
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32, ParseError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|b| char::from(b).to_digit(16));
            code = code << 4 | digit.ok_or_else(|| self.error("expected four hexadecimal digits"))?;
            self.at += 1;
        }
        Ok(code)
    }
}

/// Appends a code point, which may be a surrogate, in WTF-8.
fn push_code(code: u32, out: &mut Vec<u8>) {
    if let Some(c) = char::from_u32(code) {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        let [_, _, high, low] = code.to_be_bytes();
        out.extend([
            0xe0 | high >> 4,
            0x80 | (high & 0x0f) << 2 | low >> 6,
            0x80 | (low & 0x3f),
        ]);
    }
}
