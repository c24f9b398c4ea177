//! Rewriting of a query for SQLite.
//!
//! Names of tables become names of attached databases, `"catalog/database"."table"`; unquoted names are quoted, so that only
//! keywords that both dialects have are keywords; NULL is sorted last as in Trino; casts and divisors become calls that fail
//! as Trino's.

use std::collections::BTreeSet;

use super::failure::Failure;
use super::functions::is_function;
use super::lexer::{Kind, Token};
use super::values::{parse_time, timestamp};

/// The catalog and database of names that have none.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub catalog: String,
    pub database: String,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            catalog: "awsdatacatalog".to_owned(),
            database: "default".to_owned(),
        }
    }
}

/// A table that a query names, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableName {
    pub catalog: String,
    pub database: String,
    pub table: String,
    /// The place of the name in the statement.
    pub offset: usize,
}

impl TableName {
    /// Returns the name of the attached database.
    pub fn schema(&self) -> String {
        format!("{}/{}", self.catalog, self.database)
    }
}

/// A query for SQLite.
pub(crate) struct Rewritten {
    pub sql: String,
    pub tables: Vec<TableName>,
    /// The names in the statement: a column of the result that has another one has no name in Athena.
    pub names: BTreeSet<String>,
    /// Whether TRY is called, which catches no failure here.
    pub has_try: bool,
    /// Offsets in `sql`, with the offsets in the statement from which they come.
    places: Vec<(usize, usize)>,
}

impl Rewritten {
    /// Returns the place in the statement of an offset in the query for SQLite.
    pub fn place(&self, offset: usize) -> Option<usize> {
        let after = self.places.partition_point(|(own, _)| *own <= offset);
        self.places.get(after.checked_sub(1)?).map(|(_, place)| *place)
    }
}

/// Keywords that mean the same in both dialects.
const KEYWORDS: &str = " ALL AND AS ASC BETWEEN BY CASE CROSS CURRENT DESC DISTINCT ELSE END ESCAPE EXCEPT EXISTS FALSE \
    FILTER FIRST FOLLOWING FROM FULL GROUP GROUPS HAVING IN INNER INTERSECT IS JOIN LAST LEFT LIKE LIMIT NATURAL NOT NULL \
    NULLS OFFSET ON OR ORDER OUTER OVER PARTITION PRECEDING RANGE RECURSIVE RIGHT ROW ROWS SELECT THEN TRUE UNBOUNDED UNION \
    USING VALUES WHEN WHERE WINDOW WITH ";
/// Words that begin what SQLite does not have.
const UNSUPPORTED: &str = " ARRAY CUBE FETCH GROUPING INTERVAL LATERAL MAP MATCH_RECOGNIZE ROLLUP TABLESAMPLE UNNEST ";

fn contains(words: &str, word: &str) -> bool {
    words.contains(&format!(" {word} "))
}

/// What is known about the text between two parentheses.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the clause that is being read"
)]
struct Level {
    has_select: bool,
    in_from: bool,
    expects_table: bool,
    in_order: bool,
    has_nulls: bool,
    has_limit: bool,
    is_cast: bool,
}

struct Rewriter<'s, 't> {
    source: &'s str,
    tokens: &'t [Token<'s>],
    names: &'t Names,
    common: BTreeSet<String>,
    levels: Vec<Level>,
    level: Level,
    /// The tokens before which operands of `/` and `%` end.
    divisors: Vec<usize>,
    /// For each token that opens a parenthesis or a CASE, the index after the one that closes it.
    closings: Vec<Option<usize>>,
    out: Rewritten,
}

/// Rewrites a query.
pub(crate) fn rewrite(source: &str, tokens: &[Token<'_>], names: &Names) -> Result<Rewritten, Failure> {
    let mut rewriter = Rewriter {
        source,
        tokens,
        names,
        common: common_tables(tokens),
        levels: Vec::new(),
        level: Level::default(),
        divisors: Vec::new(),
        closings: closings(tokens),
        out: Rewritten {
            sql: String::with_capacity(source.len() * 2),
            tables: Vec::new(),
            names: BTreeSet::new(),
            has_try: false,
            places: Vec::new(),
        },
    };
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at = rewriter.token(at, token)?;
        while rewriter.divisors.pop_if(|end| *end <= at).is_some() {
            rewriter.out.sql.push(')');
        }
    }
    rewriter.end_of_order();
    Ok(rewriter.out)
}

/// Returns for each token that opens a parenthesis or a CASE the index after the one that closes it.
fn closings(tokens: &[Token<'_>]) -> Vec<Option<usize>> {
    let mut closings = vec![None; tokens.len()];
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.is_symbol("(") || token.is("CASE") {
            open.push(at);
        } else if (token.is_symbol(")") || token.is("END"))
            && let Some(closing) = open.pop().and_then(|open| closings.get_mut(open))
        {
            *closing = Some(at + 1);
        }
    }
    closings
}

/// Returns the names that a WITH clause gives to queries.
fn common_tables(tokens: &[Token<'_>]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if !tokens.iter().any(|token| token.is("WITH")) {
        return found;
    }
    for (at, pair) in tokens.windows(2).enumerate() {
        if let [word, next] = pair
            && word.is("AS")
            && next.is_symbol("(")
        {
            let before = tokens.get(..at).unwrap_or_default();
            let name = match before.last() {
                Some(last) if last.is_symbol(")") => before
                    .iter()
                    .rposition(|token| token.is_symbol("("))
                    .and_then(|open| before.get(open.checked_sub(1)?)),
                other => other,
            };
            found.extend(name.and_then(Token::name).map(|name| name.to_lowercase()));
        }
    }
    found
}

pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl<'s, 't> Rewriter<'s, 't> {
    fn at(&self, index: usize) -> Option<&Token<'s>> {
        self.tokens.get(index)
    }

    fn is_symbol(&self, index: usize, symbol: &str) -> bool {
        self.at(index).is_some_and(|token| token.is_symbol(symbol))
    }

    fn push(&mut self, text: &str, offset: usize) {
        self.out.sql.push(' ');
        self.out.places.push((self.out.sql.len(), offset));
        self.out.sql.push_str(text);
    }

    fn unsupported(&self, token: &Token<'_>, what: &str) -> Failure {
        Failure::unsupported(self.source, token.offset, what)
    }

    /// Rewrites the token and returns the index of the next one.
    fn token(&mut self, at: usize, token: &Token<'s>) -> Result<usize, Failure> {
        match token.kind {
            Kind::Text | Kind::Number => self.push(token.text, token.offset),
            Kind::Symbol => return self.symbol(at, token),
            Kind::Word | Kind::Quoted | Kind::Backquoted => return self.identifier_or_keyword(at, token),
        }
        Ok(at + 1)
    }

    fn symbol(&mut self, at: usize, token: &Token<'s>) -> Result<usize, Failure> {
        match token.text {
            "(" => {
                let inner = Level {
                    expects_table: self.level.expects_table,
                    in_from: self.level.expects_table,
                    ..Level::default()
                };
                self.level.expects_table = false;
                self.levels.push(std::mem::replace(&mut self.level, inner));
            }
            ")" => {
                self.end_of_order();
                self.level = self.levels.pop().unwrap_or_default();
            }
            "," => {
                if self.level.in_order {
                    self.end_of_order();
                    self.level.in_order = true;
                }
                self.level.expects_table = self.level.in_from;
            }
            "/" | "%" => {
                self.push(token.text, token.offset);
                self.push("athena_divisor(", token.offset);
                self.divisors.push(self.operand_end(at + 1));
                return Ok(at + 1);
            }
            "[" | "->" => return Err(self.unsupported(token, &format!("'{}'", token.text))),
            _ => {}
        }
        self.push(token.text, token.offset);
        Ok(at + 1)
    }

    /// Ends an item of ORDER BY, and the list.
    fn end_of_order(&mut self) {
        if self.level.in_order && !self.level.has_nulls {
            self.out.sql.push_str(" NULLS LAST");
        }
        (self.level.in_order, self.level.has_nulls) = (false, false);
    }

    fn identifier_or_keyword(&mut self, at: usize, token: &Token<'s>) -> Result<usize, Failure> {
        let upper = token.text.to_uppercase();
        let is_plain = token.kind == Kind::Word;
        let is_call = self.is_symbol(at + 1, "(");
        if is_plain && at == 0 && upper == "TABLE" {
            self.push("SELECT * FROM", token.offset);
            (self.level.has_select, self.level.in_from, self.level.expects_table) = (true, true, true);
            return Ok(at + 1);
        }
        if is_plain
            && matches!(upper.as_str(), "DATE" | "TIMESTAMP")
            && let Some(text) = self.at(at + 1).and_then(Token::literal)
        {
            return self.time(at, token, &upper, &text);
        }
        if is_plain && (contains(UNSUPPORTED, &upper) || self.is_literal(at + 1) && !contains(KEYWORDS, &upper)) {
            return Err(self.unsupported(token, &format!("'{upper}'")));
        }
        if is_plain && is_call && !self.level.expects_table {
            if matches!(upper.as_str(), "CAST" | "TRY_CAST") {
                return Ok(self.cast(at, token, &upper));
            }
            if is_function(&upper) {
                self.out.has_try |= upper == "TRY";
                self.push(token.text, token.offset);
                return Ok(at + 1);
            }
        }
        if is_plain && contains(KEYWORDS, &upper) && !self.is_symbol(at + 1, ".") {
            return self.keyword(at, token, &upper);
        }
        if is_plain && matches!(upper.as_str(), "CURRENT_DATE" | "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP") {
            let call = if upper == "CURRENT_DATE" {
                "athena_today()"
            } else {
                "now()"
            };
            self.push(call, token.offset);
            return Ok(at + 1);
        }
        if is_call && !self.starts_common_table(token) {
            return Err(self.unsupported(token, &format!("Function '{}'", token.text)));
        }
        self.name(at, token)
    }

    /// Writes a time as the text that columns have, so that texts compare as times do.
    fn time(&mut self, at: usize, token: &Token<'s>, upper: &str, text: &str) -> Result<usize, Failure> {
        let Some(time) = parse_time(text) else {
            // The date is right, and what follows may be the name of a zone.
            if upper == "TIMESTAMP" && text.contains(' ') && text.get(..10).and_then(parse_time).is_some() {
                return Err(self.unsupported(token, &format!("TIMESTAMP '{text}'")));
            }
            let message = format!("'{text}' is not a valid {upper} literal");
            return Err(Failure::new(
                "INVALID_LITERAL",
                self.source,
                Some(token.offset),
                &message,
            ));
        };
        let text = if upper == "DATE" {
            time.date().to_string()
        } else {
            timestamp(time)
        };
        self.push(&format!("'{text}'"), token.offset);
        Ok(at + 2)
    }

    /// Returns whether the name is that of a query of WITH, which may be followed by the names of its columns.
    fn starts_common_table(&self, token: &Token<'_>) -> bool {
        let name = token.name().unwrap_or_default().to_lowercase();
        self.common.contains(&name) && !self.level.has_select
    }

    fn is_literal(&self, at: usize) -> bool {
        self.at(at).is_some_and(|token| token.kind == Kind::Text)
    }

    fn keyword(&mut self, at: usize, token: &Token<'s>, upper: &str) -> Result<usize, Failure> {
        match upper {
            "SELECT" => {
                self.level = Level {
                    has_select: true,
                    is_cast: self.level.is_cast,
                    ..Level::default()
                };
            }
            "FROM" if self.level.has_select && !at.checked_sub(1).is_some_and(|i| self.is_distinct_from(i)) => {
                (self.level.in_from, self.level.expects_table) = (true, true);
            }
            "JOIN" => self.level.expects_table = self.level.in_from,
            "WHERE" | "GROUP" | "HAVING" | "WINDOW" | "UNION" | "INTERSECT" | "EXCEPT" | "ORDER" | "VALUES" => {
                (self.level.in_from, self.level.expects_table) = (false, false);
            }
            "BY" if at
                .checked_sub(1)
                .and_then(|i| self.at(i))
                .is_some_and(|word| word.is("ORDER")) =>
            {
                self.level.in_order = true;
            }
            "NULLS" => self.level.has_nulls = true,
            "LIMIT" | "OFFSET" | "ROWS" | "RANGE" | "GROUPS" => {
                self.end_of_order();
                (self.level.in_from, self.level.expects_table) = (false, false);
                if upper == "OFFSET" && !self.operand(at + 1).is_empty() {
                    return self.offset(at, token);
                }
                self.level.has_limit |= upper == "LIMIT";
                if upper == "LIMIT" && self.at(at + 1).is_some_and(|next| next.is("ALL")) {
                    return Ok(at + 2);
                }
            }
            // The type after AS of a cast is a text.
            "AS" if self.level.is_cast => return Ok(self.cast_type(at, token)),
            _ => {}
        }
        self.push(upper, token.offset);
        Ok(at + 1)
    }

    fn is_distinct_from(&self, before: usize) -> bool {
        self.at(before).is_some_and(|word| word.is("DISTINCT"))
    }

    /// Returns the end of the operand at a token: signs, and a literal, a name, a call, or what parentheses or CASE enclose.
    fn operand_end(&self, at: usize) -> usize {
        let mut end = at;
        while self.is_symbol(end, "-") || self.is_symbol(end, "+") {
            end += 1;
        }
        if !self.is_symbol(end, "(") && !self.at(end).is_some_and(|token| token.is("CASE")) {
            end += 1;
        }
        loop {
            end = match self.at(end) {
                Some(token) if token.is_symbol("(") || token.is("CASE") => self.closing(end),
                Some(token) if token.is_symbol(".") => end + 2,
                Some(token) if token.is("OVER") || token.is("FILTER") => end + 1,
                _ => return end,
            };
        }
    }

    /// Returns the index after the token that closes the parenthesis or CASE at a token.
    fn closing(&self, open: usize) -> usize {
        let closing = self.closings.get(open).copied().flatten();
        closing.unwrap_or(self.tokens.len())
    }

    /// Returns the number at a token, which is in parentheses if it was a parameter.
    fn operand(&self, at: usize) -> &'t [Token<'s>] {
        let end = if self.is_symbol(at, "(") { at + 3 } else { at + 1 };
        let number = self.tokens.get(at..end).unwrap_or_default();
        let is_number = number.iter().any(|token| token.kind == Kind::Number);
        if is_number { number } else { &[] }
    }

    /// Writes `OFFSET n [ROW | ROWS] [LIMIT m]` in SQLite's order. Athena has no OFFSET after LIMIT.
    fn offset(&mut self, at: usize, token: &Token<'s>) -> Result<usize, Failure> {
        if self.level.has_limit {
            let message = "mismatched input 'OFFSET'. Expecting: <EOF>";
            return Err(Failure::new(
                "MALFORMED_QUERY",
                self.source,
                Some(token.offset),
                message,
            ));
        }
        let text = |tokens: &[Token<'_>]| tokens.iter().map(|token| token.text).collect::<String>();
        let (skipped, mut limit) = (self.operand(at + 1), "-1".to_owned());
        let mut next = at + 1 + skipped.len();
        next += usize::from(self.at(next).is_some_and(|token| token.is("ROW") || token.is("ROWS")));
        if self.at(next).is_some_and(|token| token.is("LIMIT")) {
            let operand = self.operand(next + 1);
            if !operand.is_empty() {
                limit = text(operand);
                next += 1 + operand.len();
            } else if self.at(next + 1).is_some_and(|token| token.is("ALL")) {
                next += 2;
            }
        }
        let clause = format!("LIMIT {limit} OFFSET {}", text(skipped));
        self.push(&clause, token.offset);
        self.level.has_limit = true;
        Ok(next)
    }

    /// Writes the name of a table or column.
    fn name(&mut self, at: usize, token: &Token<'s>) -> Result<usize, Failure> {
        let mut parts: Vec<String> = token.name().into_iter().collect();
        let mut next = at + 1;
        while self.is_symbol(next, ".")
            && let Some(part) = self.at(next + 1).and_then(Token::name)
        {
            parts.push(part);
            next += 2;
        }
        self.out.names.extend(parts.iter().cloned());
        let has_star = self.is_symbol(next, ".") && self.is_symbol(next + 1, "*");
        if !self.level.expects_table {
            // SQLite knows tables by their last names.
            let kept = if has_star { 1 } else { 2 };
            let last = parts.iter().skip(parts.len().saturating_sub(kept));
            let text = last.map(|part| quoted(part)).collect::<Vec<_>>().join(".");
            self.push(&text, token.offset);
            return Ok(next);
        }
        self.level.expects_table = false;
        if self.is_symbol(next, "(") {
            return Err(self.unsupported(token, &format!("Table function '{}'", token.text)));
        }
        let lower: Vec<String> = parts.iter().map(|part| part.to_lowercase()).collect();
        let (catalog, database) = (&self.names.catalog, &self.names.database);
        let (catalog, database, table) = match lower.as_slice() {
            [table] if self.common.contains(table) => {
                self.push(&quoted(table), token.offset);
                return Ok(next);
            }
            [table] => (catalog, database, table),
            [database, table] => (catalog, database, table),
            [catalog, database, table] => (catalog, database, table),
            _ => {
                let message = format!("Too many dots in table name: {}", parts.join("."));
                return Err(Failure::new("SYNTAX_ERROR", self.source, Some(token.offset), &message));
            }
        };
        let table = TableName {
            catalog: catalog.to_lowercase(),
            database: database.to_lowercase(),
            table: table.clone(),
            offset: token.offset,
        };
        let text = format!("{}.{}", quoted(&table.schema()), quoted(&table.table));
        self.out.tables.push(table);
        self.push(&text, token.offset);
        Ok(next)
    }

    fn cast(&mut self, at: usize, token: &Token<'s>, upper: &str) -> usize {
        // `TRY(CAST(…))` is a cast that does not fail.
        let is_tried = at >= 2
            && self.at(at - 2).is_some_and(|token| token.is("TRY"))
            && self.closing(at - 1) == self.closing(at + 1) + 1;
        let function = if upper == "CAST" && !is_tried {
            "athena_cast("
        } else {
            "athena_try_cast("
        };
        self.push(function, token.offset);
        let inner = Level {
            is_cast: true,
            ..Level::default()
        };
        self.levels.push(std::mem::replace(&mut self.level, inner));
        at + 2
    }

    fn cast_type(&mut self, at: usize, token: &Token<'s>) -> usize {
        let (mut depth, mut end, mut text) = (0, at + 1, String::new());
        while let Some(part) = self.at(end) {
            match part.text {
                "(" => depth += 1,
                ")" if depth == 0 => break,
                ")" => depth -= 1,
                _ => {}
            }
            text.push_str(&part.text.to_lowercase());
            end += 1;
        }
        self.push(&format!(", '{}'", text.replace('\'', "")), token.offset);
        end
    }
}
