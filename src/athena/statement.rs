//! Read-only guard: whether a text is one statement that only reads.
//!
//! **Owns** the allow-list of statements. It is not a parser: Athena judges what the guard lets through, and the type of the
//! statement is checked again once Athena has named it (`run`).
//!
//! **Invariants**: a text that is not understood is refused; nothing in a comment, string or quoted identifier counts as a
//! keyword; a refused text is sent nowhere.

mod lexer;

pub use lexer::LexError;
use lexer::{Located, Token, tokens};

/// Maximum length of a statement in bytes, which is Athena's.
pub const MAX_STATEMENT_BYTES: usize = 262_144;

/// Maximum number of queries within each other's WITH: each takes a frame of the stack.
const MAX_DEPTH: usize = 50;

/// Words with which a query begins.
const QUERY_WORDS: [&str; 4] = ["SELECT", "WITH", "VALUES", "TABLE"];
/// Table functions that only compute. Those of connectors pass their argument through to another database.
const TABLE_FUNCTIONS: [&str; 2] = ["EXCLUDE_COLUMNS", "SEQUENCE"];
/// Functions of connectors that pass their argument through.
const PASS_THROUGH: [&str; 2] = ["QUERY", "RAW_QUERY"];

/// The kind of a statement that only reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementKind {
    /// SELECT, WITH, VALUES, TABLE.
    Query,
    Show,
    Describe,
    Explain,
}

/// One statement that only reads.
#[derive(Debug, Clone)]
pub struct Statement<'a> {
    pub kind: StatementKind,
    sql: &'a str,
    /// Positions of the parameters.
    parameters: Vec<usize>,
}

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no statement.
    #[error("it holds no statement")]
    Empty,
    /// It is longer than Athena takes.
    #[error("it is longer than {MAX_STATEMENT_BYTES} bytes")]
    TooLong,
    /// Its end or its comments are not clear.
    #[error("{0}")]
    Unreadable(#[from] LexError),
    /// It holds more than one statement.
    #[error("it holds more than one statement; send them one by one, and no ; but at the end")]
    Several,
    /// It begins with another word than those of statements that read, or with none.
    #[error("{0} does not begin a statement that only reads (SELECT, WITH, VALUES, TABLE, SHOW, DESCRIBE, EXPLAIN)")]
    NotReading(String),
    /// It runs what it explains.
    #[error("EXPLAIN ANALYZE runs the statement")]
    Analyze,
    /// It explains something else than a query.
    #[error("EXPLAIN is only for queries here, not for {0}")]
    Explains(String),
    /// Something else than a query follows WITH.
    #[error("what follows WITH is not a list of queries and a query (at {0})")]
    With(String),
    /// Its queries are nested deeper than the guard follows.
    #[error("its WITH clauses are nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// It writes the result of a query to a table.
    #[error("INTO writes")]
    Into,
    /// A function passes its argument through to another database, where it may be anything.
    #[error("the table function {0} is not one that only computes")]
    TableFunction(String),
    /// Hive and Trino do not agree on where the string ends.
    #[error("a backslash stands before a quote")]
    Backslash,
}

impl Refusal {
    /// Whether the text is not understood, as opposed to a statement that may write.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        matches!(
            self,
            Self::Empty | Self::TooLong | Self::Unreadable(_) | Self::Several | Self::TooDeep | Self::Backslash
        )
    }
}

impl<'a> Statement<'a> {
    /// Parses one statement that only reads.
    pub fn parse(sql: &'a str) -> Result<Self, Refusal> {
        if sql.len() > MAX_STATEMENT_BYTES {
            return Err(Refusal::TooLong);
        }
        let mut tokens = tokens(sql)?;
        if tokens.last().is_some_and(|last| last.token == Token::Symbol(';')) {
            tokens.pop();
        }
        if tokens.is_empty() {
            return Err(Refusal::Empty);
        }
        if tokens.iter().any(|located| located.token == Token::Symbol(';')) {
            return Err(several(&tokens));
        }
        let kind = kind(&tokens)?;
        if matches!(kind, StatementKind::Show | StatementKind::Describe) {
            check_backslashes(&tokens)?;
        }
        let parameters = parameters(&tokens);
        Ok(Self { kind, sql, parameters })
    }

    #[must_use]
    pub fn sql(&self) -> &'a str {
        self.sql
    }

    /// Returns the number of parameters (`?`).
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.parameters.len()
    }

    /// Returns the statement with literals in place of its parameters.
    #[must_use]
    pub fn with_literals(&self, literals: &[String]) -> String {
        let mut sql = String::with_capacity(self.sql.len());
        let mut from = 0;
        for (at, literal) in self.parameters.iter().zip(literals) {
            sql += self.sql.get(from..*at).unwrap_or_default();
            // A literal must not become a part of what stands beside it: a minus before a negative number begins a comment.
            let (open, close) = if literal.starts_with('-') {
                (" (", ") ")
            } else {
                (" ", " ")
            };
            sql.extend([open, literal, close]);
            from = at + 1;
        }
        sql + self.sql.get(from..).unwrap_or_default()
    }
}

/// Refuses several statements: for the first that does not read, or else because there are several.
fn several(tokens: &[Located<'_>]) -> Refusal {
    let mut statements = tokens.split(|located| located.token == Token::Symbol(';'));
    let refused = |statement: &&[Located<'_>]| {
        let tokens = skip_parentheses(statement);
        !tokens.is_empty() && leading_keyword(tokens).is_none()
    };
    match statements.find(refused) {
        Some(statement) => Refusal::NotReading(shown(skip_parentheses(statement))),
        None => Refusal::Several,
    }
}

/// Returns the positions of the parameters. In the `PATTERN` of `MATCH_RECOGNIZE`, `?` is a quantifier.
fn parameters(tokens: &[Located<'_>]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut rest = tokens;
    while let Some((first, after)) = rest.split_first() {
        if first.token == Token::Symbol('?') {
            found.push(first.at);
        }
        rest = if is_keyword(rest, 0, "PATTERN") && is_symbol(after, 0, '(') {
            behind_parentheses(after).unwrap_or_default()
        } else {
            after
        };
    }
    found
}

fn kind(tokens: &[Located<'_>]) -> Result<StatementKind, Refusal> {
    let kind = match leading_keyword(tokens) {
        Some("SHOW") => StatementKind::Show,
        Some("DESCRIBE" | "DESC") => StatementKind::Describe,
        Some("EXPLAIN") => {
            check_explained(tokens.get(1..).unwrap_or_default())?;
            StatementKind::Explain
        }
        _ if begins_query(tokens) => {
            check_query(tokens, 0)?;
            StatementKind::Query
        }
        _ => return Err(Refusal::NotReading(shown(skip_parentheses(tokens)))),
    };
    check_functions(tokens)?;
    let is_data = matches!(kind, StatementKind::Query | StatementKind::Explain);
    if is_data && (0..tokens.len()).any(|at| is_keyword(tokens, at, "INTO")) {
        return Err(Refusal::Into);
    }
    Ok(kind)
}

/// Returns the word at the beginning, if it is one of those that begin a statement. Other letters than those of ASCII are
/// not folded: such a word is none of them.
fn leading_keyword(tokens: &[Located<'_>]) -> Option<&'static str> {
    let Some(Token::Word(word)) = tokens.first().map(|located| located.token) else {
        return None;
    };
    QUERY_WORDS
        .into_iter()
        .chain(["SHOW", "DESCRIBE", "DESC", "EXPLAIN"])
        .find(|known| known.eq_ignore_ascii_case(word))
}

fn skip_parentheses<'t, 'a>(tokens: &'t [Located<'a>]) -> &'t [Located<'a>] {
    let open = tokens
        .iter()
        .take_while(|located| located.token == Token::Symbol('('))
        .count();
    tokens.get(open..).unwrap_or_default()
}

fn begins_query(tokens: &[Located<'_>]) -> bool {
    leading_keyword(skip_parentheses(tokens)).is_some_and(|word| QUERY_WORDS.contains(&word))
}

/// Checks a query from its first word on, behind any parentheses.
fn check_query(tokens: &[Located<'_>], depth: usize) -> Result<(), Refusal> {
    if depth > MAX_DEPTH {
        return Err(Refusal::TooDeep);
    }
    let query = skip_parentheses(tokens);
    match leading_keyword(query) {
        Some("WITH") => check_with(query.get(1..).unwrap_or_default(), depth + 1),
        _ => Ok(()),
    }
}

/// Checks `[RECURSIVE] name [(columns)] AS (query), … query`, from behind WITH.
fn check_with(tokens: &[Located<'_>], depth: usize) -> Result<(), Refusal> {
    let mut rest = tokens;
    let is_name = |tokens: &[Located<'_>], at: usize| {
        matches!(
            tokens.get(at).map(|located| located.token),
            Some(Token::Word(_) | Token::Quoted(_))
        )
    };
    if rest.first().map(folded).as_deref() == Some("RECURSIVE") && is_name(rest, 1) && !is_keyword(rest, 1, "AS") {
        rest = rest.get(1..).unwrap_or_default();
    }
    loop {
        let refused = || Refusal::With(shown(rest));
        if !is_name(rest, 0) {
            return Err(refused());
        }
        let mut after = rest.get(1..).unwrap_or_default();
        if is_symbol(after, 0, '(') {
            after = behind_parentheses(after).ok_or_else(refused)?;
        }
        let body = after
            .get(1..)
            .filter(|body| is_keyword(after, 0, "AS") && is_symbol(body, 0, '('));
        let body = body.ok_or_else(refused)?;
        if !begins_query(body) {
            return Err(Refusal::With(shown(skip_parentheses(body))));
        }
        check_query(body, depth)?;
        rest = behind_parentheses(body).ok_or_else(refused)?;
        if !is_symbol(rest, 0, ',') {
            break;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    if begins_query(rest) {
        check_query(rest, depth)
    } else {
        Err(Refusal::With(shown(skip_parentheses(rest))))
    }
}

/// Checks what follows EXPLAIN.
fn check_explained(tokens: &[Located<'_>]) -> Result<(), Refusal> {
    let has_options =
        is_symbol(tokens, 0, '(') && ["TYPE", "FORMAT"].iter().any(|option| is_keyword(tokens, 1, option));
    let explained = if has_options {
        behind_parentheses(tokens).unwrap_or_default()
    } else {
        tokens
    };
    if is_keyword(explained, 0, "ANALYZE") {
        return Err(Refusal::Analyze);
    }
    if !begins_query(explained) {
        return Err(Refusal::Explains(shown(skip_parentheses(explained))));
    }
    check_query(explained, 0)
}

/// Checks the table functions, and that no function passes a query through to another database.
fn check_functions(tokens: &[Located<'_>]) -> Result<(), Refusal> {
    for at in 0..tokens.len() {
        let rest = tokens.get(at..).unwrap_or_default();
        if is_keyword(rest, 0, "TABLE") && is_symbol(rest, 1, '(') {
            check_table_function(rest.get(2..).unwrap_or_default())?;
        }
        let is_pass_through = is_symbol(rest, 0, '.')
            && rest
                .get(1)
                .is_some_and(|name| PASS_THROUGH.contains(&folded(name).as_str()))
            && is_symbol(rest, 2, '(');
        if is_pass_through {
            return Err(Refusal::TableFunction(shown(rest.get(1..).unwrap_or_default())));
        }
    }
    Ok(())
}

/// Checks what stands in `TABLE(…)`: a function that only computes, a table, or a query.
fn check_table_function(tokens: &[Located<'_>]) -> Result<(), Refusal> {
    if begins_query(tokens) {
        return check_query(tokens, 0);
    }
    let parts = tokens
        .iter()
        .take_while(|located| located.token != Token::Symbol('(') && located.token != Token::Symbol(')'));
    let parts: Vec<String> = parts.map(folded).collect();
    if !is_symbol(tokens, parts.len(), '(') {
        return Ok(());
    }
    match parts.as_slice() {
        [name] if TABLE_FUNCTIONS.contains(&name.as_str()) => Ok(()),
        _ => Err(Refusal::TableFunction(parts.concat().to_lowercase())),
    }
}

/// Refuses strings that end elsewhere for Hive, which reads SHOW and DESCRIBE.
fn check_backslashes(tokens: &[Located<'_>]) -> Result<(), Refusal> {
    let is_escape = |located: &Located<'_>| match located.token {
        Token::Text(text) => text.contains("\\'"),
        Token::Quoted(text) => text.contains("\\\"") || text.contains("\\`"),
        Token::Word(_) | Token::Symbol(_) => false,
    };
    if tokens.iter().any(is_escape) {
        return Err(Refusal::Backslash);
    }
    Ok(())
}

fn is_keyword(tokens: &[Located<'_>], at: usize, word: &str) -> bool {
    matches!(tokens.get(at), Some(located) if matches!(located.token, Token::Word(_)) && folded(located) == word)
}

fn is_symbol(tokens: &[Located<'_>], at: usize, symbol: char) -> bool {
    tokens
        .get(at)
        .is_some_and(|located| located.token == Token::Symbol(symbol))
}

/// Returns what follows the parentheses that begin here.
fn behind_parentheses<'t, 'a>(tokens: &'t [Located<'a>]) -> Option<&'t [Located<'a>]> {
    let mut depth = 0_usize;
    for (at, located) in tokens.iter().enumerate() {
        match located.token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return tokens.get(at + 1..);
        }
    }
    None
}

/// Returns a word or identifier in upper case, without quotes. Letters that Trino folds to those of ASCII are folded.
fn folded(located: &Located<'_>) -> String {
    match located.token {
        Token::Word(word) => word.to_uppercase(),
        Token::Quoted(text) => text.trim_matches(['"', '`']).to_uppercase(),
        Token::Text(text) => text.to_owned(),
        Token::Symbol(symbol) => symbol.to_string(),
    }
}

/// Returns the first token, for a sentence.
fn shown(tokens: &[Located<'_>]) -> String {
    match tokens.first().map(|located| located.token) {
        Some(Token::Word(text)) => text.chars().take(40).collect::<String>().to_uppercase(),
        Some(Token::Quoted(text) | Token::Text(text)) => text.chars().take(40).collect(),
        Some(Token::Symbol(symbol)) => symbol.to_string(),
        None => "nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_outside_of_quotes_and_replaced() {
        let statement = Statement::parse("SELECT '?', \"?\" FROM t WHERE a = ? AND b=? -- ?").unwrap();
        assert_eq!(statement.parameters(), 2);
        let literals = ["'x?'".to_owned(), "1".to_owned()];
        assert_eq!(
            statement.with_literals(&literals),
            "SELECT '?', \"?\" FROM t WHERE a =  'x?'  AND b= 1  -- ?"
        );
    }

    #[test]
    fn a_question_mark_in_a_pattern_of_rows_is_no_parameter() {
        let sql = "SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A? (B | C)+?) DEFINE A AS x = ?) WHERE pattern = ?";
        assert_eq!(Statement::parse(sql).unwrap().parameters(), 2);
    }

    #[test]
    fn a_statement_has_a_limited_length() {
        let long = format!("SELECT '{}'", "x".repeat(MAX_STATEMENT_BYTES));
        assert_eq!(Statement::parse(&long).unwrap_err(), Refusal::TooLong);
    }

    /// The text is within the length that is allowed, and its depth must not take the stack.
    #[test]
    fn deep_statements_are_refused_before_they_fill_the_stack() {
        for (open, count) in [("WITH a AS(", 26_000), ("WITH a AS (((", 20_000)] {
            let sql = open.repeat(count);
            assert!(sql.len() <= MAX_STATEMENT_BYTES);
            assert!(Statement::parse(&sql).unwrap_err().is_unreadable(), "{open}");
            assert!(Statement::parse(&format!("EXPLAIN {sql}")).is_err(), "{open}");
        }
        let nested = |depth: usize| format!("{}SELECT 1{}", "WITH a AS (".repeat(depth), ") SELECT 1".repeat(depth));
        assert!(Statement::parse(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(Statement::parse(&nested(MAX_DEPTH + 1)).unwrap_err(), Refusal::TooDeep);
        assert!(Statement::parse(&format!("SELECT {}1{}", "(".repeat(9000), ")".repeat(9000))).is_ok());
    }

    /// Trino folds the long s to S.
    #[test]
    fn letters_that_become_keywords_are_folded() {
        for sql in ["SELECT * FROM TABLE(x.\u{17f}ystem.query('x'))", "\u{17f}ELECT 1"] {
            assert!(Statement::parse(sql).is_err(), "{sql}");
        }
    }
}
