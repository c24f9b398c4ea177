//! Tokens of a statement, with their places.

use super::failure::Failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A literal in single quotes.
    Text,
    /// A name in double quotes.
    Quoted,
    /// A name in backticks, as SHOW and DESCRIBE write it.
    Backquoted,
    Word,
    Number,
    Symbol,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'s> {
    pub kind: Kind,
    pub text: &'s str,
    pub offset: usize,
}

impl Token<'_> {
    /// Returns whether the token is this keyword, which is given in upper case.
    pub fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }

    /// Returns the name that the token writes.
    pub fn name(&self) -> Option<String> {
        let inner = || self.text.get(1..self.text.len() - 1).unwrap_or_default();
        match self.kind {
            Kind::Word => Some(self.text.to_owned()),
            Kind::Quoted => Some(inner().replace("\"\"", "\"")),
            Kind::Backquoted => Some(inner().replace("``", "`")),
            _ => None,
        }
    }

    /// Returns the value of a literal in single quotes.
    pub fn literal(&self) -> Option<String> {
        let inner = self.text.get(1..self.text.len() - 1)?;
        (self.kind == Kind::Text).then(|| inner.replace("''", "'"))
    }
}

/// Splits a statement into tokens, without white space, comments and semicolons at its end.
pub(crate) fn tokens(sql: &str) -> Result<Vec<Token<'_>>, Failure> {
    let malformed = |offset, message: &str| Failure::new("MALFORMED_QUERY", sql, Some(offset), message);
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut offset = 0;
    while let Some(rest) = sql.get(offset..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or_default();
        let kind = match first {
            c if c.is_whitespace() => None,
            '-' if rest.starts_with("--") => None,
            '/' if rest.starts_with("/*") => None,
            '\'' => Some(Kind::Text),
            '"' => Some(Kind::Quoted),
            '`' => Some(Kind::Backquoted),
            c if c.is_ascii_digit() => Some(Kind::Number),
            '.' if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => Some(Kind::Number),
            c if c.is_alphabetic() || c == '_' => Some(Kind::Word),
            _ => Some(Kind::Symbol),
        };
        let length = match (kind, first) {
            (None, '-') => rest.find('\n').unwrap_or(rest.len()),
            (None, '/') => {
                rest.find("*/")
                    .ok_or_else(|| malformed(offset, "mismatched input '/*'"))?
                    + 2
            }
            (None, c) => c.len_utf8(),
            (Some(Kind::Text | Kind::Quoted | Kind::Backquoted), quote) => {
                quoted_length(rest, quote).ok_or_else(|| malformed(offset, &format!("mismatched input '{quote}'")))?
            }
            (Some(Kind::Number), _) => number_length(rest),
            (Some(Kind::Word), _) => rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
                .unwrap_or(rest.len()),
            (Some(Kind::Symbol), c) => {
                let double = ["<=", ">=", "<>", "!=", "||", "->"]
                    .iter()
                    .any(|symbol| rest.starts_with(symbol));
                if double { 2 } else { c.len_utf8() }
            }
        };
        if let (Some(kind), Some(text)) = (kind, rest.get(..length)) {
            tokens.push(Token { kind, text, offset });
        }
        offset += length;
    }
    while tokens.last().is_some_and(|token| token.is_symbol(";")) {
        tokens.pop();
    }
    if let Some(second) = tokens.iter().find(|token| token.is_symbol(";")) {
        let message = "Only one sql statement is allowed. Got: more than one";
        return Err(malformed(second.offset, message));
    }
    if tokens.is_empty() {
        return Err(malformed(0, "mismatched input '<EOF>'"));
    }
    Ok(tokens)
}

/// Returns the length of a quoted token; a doubled quote is part of it.
fn quoted_length(rest: &str, quote: char) -> Option<usize> {
    let mut offset = 1;
    loop {
        offset += rest.get(offset..)?.find(quote)? + 1;
        if rest.get(offset..)?.starts_with(quote) {
            offset += 1;
        } else {
            return Some(offset);
        }
    }
}

fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let is_exponent_sign = |at: usize| {
        matches!(bytes.get(at), Some(b'+' | b'-'))
            && matches!(bytes.get(at.wrapping_sub(1)), Some(b'e' | b'E'))
            && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
    };
    let is_part = |at: usize| {
        bytes
            .get(at)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'.')
            || is_exponent_sign(at)
    };
    (1..bytes.len()).find(|at| !is_part(*at)).unwrap_or(bytes.len())
}
