//! Tokens of SQL, as far as the guard has to tell them apart.
//!
//! What Athena's two parsers (Trino for queries, Hive for SHOW and DESCRIBE) or other dialects would split differently is not
//! tokenized in one of the two ways, but refused: then no engine reads anything else than what the guard judged.

/// A token. Comments and white space are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword, or an identifier or number without quotes.
    Word(&'a str),
    /// An identifier in double quotes or backticks, with them.
    Quoted(&'a str),
    /// A string literal, with its quotes.
    Text(&'a str),
    /// Any other character.
    Symbol(char),
}

/// A token with its position in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Located<'a> {
    pub token: Token<'a>,
    pub at: usize,
}

/// Why a text has no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LexError {
    /// A quote is not closed.
    #[error("a quote {0} is not closed")]
    OpenQuote(char),
    /// A comment is not closed.
    #[error("a comment /* is not closed")]
    OpenComment,
    /// A comment has characters that other dialects take for the beginning of a comment in it.
    #[error("a comment contains /*; remove the comment")]
    NestedComment,
    /// A comment's end that belongs to no comment.
    #[error("*/ stands outside of a comment")]
    StrayCommentEnd,
    /// Dialects do not agree on whether the comment ends there.
    #[error("a comment contains a carriage return without a line feed; remove the comment")]
    CarriageReturn,
    /// Some dialects quote strings so.
    #[error("$$ stands outside of quotes")]
    DollarQuote,
}

/// Splits a statement into tokens.
pub(super) fn tokens(sql: &str) -> Result<Vec<Located<'_>>, LexError> {
    let mut found = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let at = sql.len() - rest.len();
        let length = match first {
            ' ' | '\t' | '\n' | '\r' => {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            '-' if rest.starts_with("--") => {
                rest = after_line_comment(rest)?;
                continue;
            }
            '/' if rest.starts_with("/*") => {
                rest = after_block_comment(rest)?;
                continue;
            }
            '*' if rest.starts_with("*/") => return Err(LexError::StrayCommentEnd),
            '$' if rest.starts_with("$$") => return Err(LexError::DollarQuote),
            '\'' | '"' | '`' => quoted_length(rest, first).ok_or(LexError::OpenQuote(first))?,
            _ if is_identifier_part(first) => rest.find(|letter| !is_identifier_part(letter)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (text, remaining) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let token = match first {
            '\'' => Token::Text(text),
            '"' | '`' => Token::Quoted(text),
            _ if is_identifier_part(first) => Token::Word(text),
            symbol => Token::Symbol(symbol),
        };
        found.push(Located { token, at });
        rest = remaining;
    }
    Ok(found)
}

fn is_identifier_part(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn after_line_comment(rest: &str) -> Result<&str, LexError> {
    let Some(end) = rest.find(['\r', '\n']) else {
        return Ok("");
    };
    let after = rest.get(end..).unwrap_or_default();
    if after.starts_with('\r') && after != "\r" && !after.starts_with("\r\n") {
        return Err(LexError::CarriageReturn);
    }
    Ok(after)
}

fn after_block_comment(rest: &str) -> Result<&str, LexError> {
    let inner = rest.get(2..).unwrap_or_default();
    let (comment, after) = inner.split_once("*/").ok_or(LexError::OpenComment)?;
    if comment.contains("/*") {
        return Err(LexError::NestedComment);
    }
    Ok(after)
}

/// Returns the length of what begins with a quote, which is doubled to stand for itself.
fn quoted_length(rest: &str, quote: char) -> Option<usize> {
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == quote && letters.next_if(|(_, next)| *next == quote).is_none() {
            return Some(at + quote.len_utf8());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(sql: &str) -> String {
        let shown = tokens(sql).unwrap().into_iter().map(|located| match located.token {
            Token::Word(text) => format!("w:{text}"),
            Token::Quoted(text) => format!("q:{text}"),
            Token::Text(text) => format!("t:{text}"),
            Token::Symbol(letter) => format!("s:{letter}"),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn quotes_comments_and_words() {
        assert_eq!(
            kinds("SELECT 'it''s; --' -- ; x\n, /* ' */ \"a\"\"b\""),
            "w:SELECT t:'it''s; --' s:, q:\"a\"\"b\""
        );
        assert_eq!(kinds("a.b_1<>`c-``d`;"), "w:a s:. w:b_1 s:< s:> q:`c-``d` s:;");
        assert_eq!(kinds("''''''"), "t:''''''");
        assert_eq!(kinds("größe--"), "w:größe");
        assert_eq!(kinds("--x\r\ny --\r"), "w:y");
    }

    #[test]
    fn what_dialects_read_differently_has_no_tokens() {
        for (sql, error) in [
            ("'", LexError::OpenQuote('\'')),
            ("'''", LexError::OpenQuote('\'')),
            ("\"a", LexError::OpenQuote('"')),
            ("/* x", LexError::OpenComment),
            ("/*/", LexError::OpenComment),
            ("/* /* */ */", LexError::NestedComment),
            ("1 */ 2", LexError::StrayCommentEnd),
            ("--a\rb", LexError::CarriageReturn),
            ("$$a$$", LexError::DollarQuote),
        ] {
            assert_eq!(tokens(sql), Err(error), "{sql}");
        }
    }
}
