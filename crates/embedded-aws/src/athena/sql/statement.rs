//! The class of a statement, and its parameters.

use super::failure::Failure;
use super::lexer::{Kind, Token, tokens};
use super::rewrite::{Names, rewrite};
use super::run::syntax_error;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatementType {
    Dml,
    Ddl,
    Utility,
}

impl StatementType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dml => "DML",
            Self::Ddl => "DDL",
            Self::Utility => "UTILITY",
        }
    }
}

/// A statement that is accepted for execution.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    /// The text, with its parameters in place.
    pub sql: String,
    pub class: StatementType,
    pub substatement: String,
}

impl Statement {
    /// Reads a statement. A failure is one that Athena reports before there is a query.
    pub fn parse(sql: &str, parameters: &[String]) -> Result<Self, Failure> {
        let sql = substitute(sql, parameters)?;
        let all = tokens(&sql)?;
        let keyword = |at: usize| all.get(at).map_or_else(String::new, |token| token.text.to_uppercase());
        let start = all.iter().position(|token| !token.is_symbol("(")).unwrap_or_default();
        let (class, substatement) = match keyword(start).as_str() {
            "SELECT" | "WITH" | "VALUES" | "TABLE" => (StatementType::Dml, "SELECT".to_owned()),
            "EXPLAIN" => (StatementType::Utility, "EXPLAIN".to_owned()),
            "DESCRIBE" | "DESC" => (StatementType::Utility, "DESCRIBE_TABLE".to_owned()),
            "SHOW" => (StatementType::Utility, format!("SHOW_{}", keyword(1))),
            "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "UNLOAD" | "VACUUM" | "OPTIMIZE" => {
                (StatementType::Dml, keyword(start))
            }
            "CREATE" | "DROP" | "ALTER" | "MSCK" | "PREPARE" | "EXECUTE" | "DEALLOCATE" => {
                (StatementType::Ddl, format!("{}_{}", keyword(start), keyword(start + 1)))
            }
            _ => return Err(unexpected(&sql, all.get(start))),
        };
        if substatement == "SELECT" {
            if let Some(name) = all.iter().find(|token| token.kind == Kind::Backquoted) {
                let message = "backquoted identifiers are not supported; use double quotes to quote identifiers";
                return Err(Failure::new("MALFORMED_QUERY", &sql, Some(name.offset), message));
            }
            // What is not supported is left to the query, which fails.
            match rewrite(&sql, &all, &Names::default()) {
                Ok(rewritten) => syntax_error(&sql, &rewritten).map_or(Ok(()), Err)?,
                Err(failure) if failure.name == "MALFORMED_QUERY" => return Err(failure),
                Err(_) => {}
            }
        }
        Ok(Self {
            sql,
            class,
            substatement,
        })
    }

    /// Returns whether this is a query with rows, before which its results have a row with the names of the columns.
    pub fn has_header_row(&self) -> bool {
        matches!(self.substatement.as_str(), "SELECT" | "EXPLAIN")
    }
}

fn unexpected(sql: &str, token: Option<&Token<'_>>) -> Failure {
    let text = token.map_or("<EOF>", |token| token.text);
    let message =
        format!("mismatched input '{text}'. Expecting: 'DESCRIBE', 'EXPLAIN', 'SELECT', 'SHOW', 'WITH', <query>");
    Failure::new("MALFORMED_QUERY", sql, token.map(|token| token.offset), &message)
}

/// Puts the parameters, each an SQL expression, where the statement has question marks.
fn substitute(sql: &str, parameters: &[String]) -> Result<String, Failure> {
    let all = tokens(sql)?;
    let places: Vec<_> = all.iter().filter(|token| token.is_symbol("?")).collect();
    if places.len() != parameters.len() {
        let (expected, found) = (places.len(), parameters.len());
        let message = format!("Incorrect number of parameters: expected {expected} but found {found}");
        return Err(Failure::new("MALFORMED_QUERY", sql, Some(0), &message));
    }
    let (mut result, mut from) = (String::with_capacity(sql.len()), 0);
    for (place, parameter) in places.into_iter().zip(parameters) {
        if !is_expression(parameter) {
            let message = format!("The parameter {parameter} is not an expression");
            return Err(Failure::new("MALFORMED_QUERY", sql, Some(place.offset), &message));
        }
        result.push_str(sql.get(from..place.offset).unwrap_or_default());
        // The parameter stays one operand of what is around it.
        result.extend(["(", parameter, ")"]);
        from = place.offset + 1;
    }
    result.push_str(sql.get(from..).unwrap_or_default());
    Ok(result)
}

/// Returns whether a parameter is one expression without comments, which cannot end the one around it.
fn is_expression(parameter: &str) -> bool {
    let Ok(all) = tokens(parameter) else {
        return false;
    };
    let (mut depth, mut end) = (0_i32, 0);
    let is_blank = |from: usize, to: usize| parameter.get(from..to).is_some_and(|gap| gap.trim().is_empty());
    let is_open = all.iter().all(|token| {
        depth += i32::from(token.is_symbol("(")) - i32::from(token.is_symbol(")"));
        let follows = is_blank(end, token.offset);
        end = token.offset + token.text.len();
        follows && depth >= 0 && !(depth == 0 && token.is_symbol(",")) && !token.is_symbol("?")
    });
    is_open && depth == 0 && is_blank(end, parameter.len())
}
