//! SQL literals of JSON values, for the parameters of a statement.
//!
//! Athena's `ExecutionParameters` are SQL expressions, so a caller's string must never become one as it is.

use serde_json::Value;

/// Maximum length of a literal in characters, which is Athena's.
pub const MAX_LITERAL_CHARS: usize = 1024;

/// The number from which doubles do not have each integer, 2^53.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Why a value cannot be a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LiteralError {
    /// It is an array or an object.
    #[error("expected a string, number, boolean or null")]
    Nested,
    /// Its literal is too long.
    #[error("as a literal it is longer than {MAX_LITERAL_CHARS} characters")]
    TooLong,
    /// It is a number that JSON parsers, and so this one, do not read exactly.
    #[error(
        "expected a number of at most 15 digits; give it as a string, and write CAST(? AS DECIMAL(38, 0)) or another type"
    )]
    Inexact,
    /// It has a character that no string literal holds.
    #[error("it contains a NUL character")]
    Nul,
}

/// Writes a JSON value as a SQL literal.
pub fn literal(value: &Value) -> Result<String, LiteralError> {
    let text = match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(value) => value.to_string(),
        // Beyond 2^53 doubles lie more than one apart.
        Value::Number(number) if number.is_f64() && number.as_f64().is_some_and(|number| number.abs() >= MAX_EXACT) => {
            return Err(LiteralError::Inexact);
        }
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.contains('\0') => return Err(LiteralError::Nul),
        Value::String(text) => string(text),
        Value::Array(_) | Value::Object(_) => return Err(LiteralError::Nested),
    };
    if text.chars().count() > MAX_LITERAL_CHARS {
        return Err(LiteralError::TooLong);
    }
    Ok(text)
}

/// Writes a string literal.
#[must_use]
pub fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Writes a quoted identifier of a query.
#[must_use]
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Writes a quoted identifier of SHOW and DESCRIBE, which Hive reads.
#[must_use]
pub fn hive_identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::athena::statement::{Statement, StatementKind};

    #[test]
    fn values_by_their_types() {
        for (value, expected) in [
            (json!(null), "NULL"),
            (json!(true), "true"),
            (json!(-7), "-7"),
            (json!(1.5), "1.5"),
            (json!(18_446_744_073_709_551_615_u64), "18446744073709551615"),
            (json!(""), "''"),
            (json!("it's"), "'it''s'"),
            (json!("'; DROP TABLE t --"), "'''; DROP TABLE t --'"),
            (json!("NULL"), "'NULL'"),
        ] {
            assert_eq!(literal(&value).as_deref(), Ok(expected));
        }
        assert_eq!(literal(&json!([1])), Err(LiteralError::Nested));
        assert_eq!(literal(&json!({})), Err(LiteralError::Nested));
        assert_eq!(literal(&json!("a\0b")), Err(LiteralError::Nul));
        assert!(literal(&json!("x".repeat(1022))).is_ok());
        assert_eq!(literal(&json!("x".repeat(1023))), Err(LiteralError::TooLong));
        assert_eq!(literal(&json!("'".repeat(512))), Err(LiteralError::TooLong));
    }

    proptest! {
        /// A literal in place of a parameter leaves the statement one query without parameters, whatever the string is.
        #[test]
        fn a_string_never_leaves_its_literal(text in "\\PC{0,40}|['\"`;/*?$\\\\ \r\n-]{0,40}") {
            let literal = literal(&json!(text)).unwrap();
            let statement = Statement::parse("SELECT * FROM t WHERE a = ? AND b = 1").unwrap();
            let whole = statement.with_literals(std::slice::from_ref(&literal));
            let read = Statement::parse(&whole).unwrap();
            prop_assert_eq!(read.kind, StatementKind::Query);
            prop_assert_eq!(read.parameters(), 0);
            let inner = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap();
            prop_assert_eq!(inner.replace("''", "'"), text);
        }

        /// Nor does a number, whatever stands beside it.
        #[test]
        fn a_number_never_joins_what_stands_beside_it(number in any::<i64>(), before in "[-+a1.]{0,1}") {
            let literal = literal(&json!(number)).unwrap();
            let sql = format!("SELECT 5 {before}?, 'x' FROM t");
            let statement = Statement::parse(&sql).unwrap();
            prop_assume!(statement.parameters() == 1);
            let whole = statement.with_literals(&[literal]);
            let read = Statement::parse(&whole).unwrap();
            prop_assert_eq!(read.parameters(), 0);
            prop_assert!(!whole.contains("--") || sql.contains("--"), "{}", whole);
        }

        /// An identifier stays one, too.
        #[test]
        fn a_name_never_leaves_its_quotes(name in "\\PC{1,40}|['\"`;/*? -]{1,40}") {
            let sql = format!("SELECT * FROM {} WHERE a = ?", identifier(&name));
            prop_assert_eq!(Statement::parse(&sql).unwrap().parameters(), 1);
        }
    }
}
