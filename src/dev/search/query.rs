//! Query strings in a subset of Elasticsearch's syntax. What is not supported is a syntax error.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use regex::Regex;
use tantivy_query_grammar::{
    Delimiter, Occur, UserInputAst, UserInputBound, UserInputLeaf, UserInputLiteral, parse_query,
};

/// Maximum nesting of parentheses and operators. The grammar is recursive.
const MAX_NESTING: usize = 32;
const MAX_QUERY_BYTES: usize = 16 * 1024;
/// The fields whose values are numbers, and times.
const NUMBERS: [&str; 4] = [
    "size",
    "entry_size",
    "mnfst_stats.total_bytes",
    "mnfst_stats.total_files",
];
const TIMES: [&str; 2] = ["last_modified", "ptr_last_modified"];

/// The value of a document's field.
pub enum FieldValue<'v> {
    /// A string that is compared as a whole.
    Keyword(Cow<'v, str>),
    /// A string that is compared word by word.
    Text(Cow<'v, str>),
    Number(f64),
    Date(Timestamp),
}

/// A document that can be searched.
pub trait Document {
    /// Returns the fields that are searched if a query names none.
    fn default_fields(&self) -> &[&'static str];
    /// Returns the value of a field, if the document has it.
    fn field(&self, name: &str) -> Option<FieldValue<'_>>;
}

/// A parsed query.
#[derive(Debug)]
pub enum Query {
    All,
    Leaf { field: Option<String>, test: Test },
    Clauses(Vec<(Occur, Query)>),
    Boosted(Box<Query>, f64),
}

/// A condition on the value of a field.
#[derive(Debug)]
pub enum Test {
    Term(String),
    /// A wildcard or a regular expression, for keywords and, in lower case, for words.
    Pattern(Regex, Regex),
    Range(UserInputBound, UserInputBound),
    Exists,
}

/// A query that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct QuerySyntaxError(String);

impl Query {
    /// Parses a query string; a blank one matches everything.
    pub fn parse(text: &str) -> Result<Self, QuerySyntaxError> {
        if text.trim().is_empty() {
            return Ok(Self::All);
        }
        let fail = || QuerySyntaxError(format!("Failed to parse query [{text}]"));
        if text.len() > MAX_QUERY_BYTES || nesting(text) > MAX_NESTING {
            return Err(fail());
        }
        compile(parse_query(text.trim()).map_err(|_| fail())?).map_err(|reason| match reason {
            Some(reason) => QuerySyntaxError(format!("Failed to parse query [{text}]: {reason}")),
            None => fail(),
        })
    }

    /// Parses a pattern with `*` and `?` for whole strings.
    pub fn wildcard(pattern: &str) -> Option<Regex> {
        whole(&wildcard_pattern(pattern)).ok()
    }

    /// Returns the score of a document, or `None` if it does not match. The score depends on the document alone, so that it
    /// stays while others are written.
    pub fn score(&self, document: &impl Document) -> Option<f64> {
        match self {
            Self::All => Some(1.0),
            Self::Boosted(query, factor) => Some(query.score(document)? * factor),
            Self::Leaf { field, test } => {
                let one;
                let fields = match field {
                    Some(field) => {
                        one = [field.as_str()];
                        &one[..]
                    }
                    None => document.default_fields(),
                };
                let score: f64 = fields
                    .iter()
                    .filter(|field| test.matches(document, field))
                    .map(|_| 1.0)
                    .sum();
                (score > 0.0).then_some(score)
            }
            Self::Clauses(clauses) => {
                let (mut score, mut needs_one, mut has_one) = (0.0, true, false);
                for (occur, query) in clauses {
                    match (occur, query.score(document)) {
                        (Occur::MustNot, Some(_)) | (Occur::Must, None) => return None,
                        (Occur::Must, Some(more)) => {
                            score += more;
                            needs_one = false;
                        }
                        (Occur::Should, Some(more)) => {
                            score += more;
                            has_one = true;
                        }
                        (Occur::MustNot | Occur::Should, None) => {}
                    }
                }
                let only_excludes = clauses.iter().all(|(occur, _)| *occur == Occur::MustNot);
                (has_one || !needs_one || only_excludes).then_some(score)
            }
        }
    }

    /// Returns whether a condition that is not negated matches this field of the document.
    pub fn touches(&self, document: &impl Document, field: &str) -> bool {
        match self {
            Self::All => false,
            Self::Boosted(query, _) => query.touches(document, field),
            Self::Leaf { field: named, test } => {
                let is_asked = match named {
                    Some(named) => named == field || named.strip_suffix(".text") == Some(field),
                    None => document.default_fields().contains(&field),
                };
                is_asked && test.matches(document, named.as_deref().unwrap_or(field))
            }
            Self::Clauses(clauses) => {
                let mut clauses = clauses.iter().filter(|(occur, _)| *occur != Occur::MustNot);
                clauses.any(|(_, query)| query.touches(document, field))
            }
        }
    }
}

impl Test {
    fn matches(&self, document: &impl Document, field: &str) -> bool {
        let Some(value) = document.field(field) else {
            return false;
        };
        match (self, value) {
            (Self::Exists, _) => true,
            (Self::Term(term), FieldValue::Keyword(value)) => *term == value,
            (Self::Term(term), FieldValue::Text(text)) => has_phrase(&text, term),
            (Self::Term(term), FieldValue::Number(number)) => term.parse() == Ok(number),
            (Self::Term(term), FieldValue::Date(time)) => {
                let range = time_of(term, false).zip(time_of(term, true));
                range.is_some_and(|(first, last)| (first..=last).contains(&time))
            }
            (Self::Pattern(exact, _), FieldValue::Keyword(value)) => exact.is_match(&value),
            (Self::Pattern(_, lower), FieldValue::Text(text)) => {
                words(&text).any(|word| lower.is_match(&word.to_lowercase()))
            }
            (Self::Range(lower, upper), FieldValue::Number(number)) => {
                within(lower, upper, |bound, _| bound.parse::<f64>().ok()?.partial_cmp(&number))
            }
            (Self::Range(lower, upper), FieldValue::Date(time)) => {
                within(lower, upper, |bound, is_end| Some(time_of(bound, is_end)?.cmp(&time)))
            }
            (Self::Range(lower, upper), FieldValue::Keyword(value)) => {
                within(lower, upper, |bound, _| Some(bound.cmp(&value)))
            }
            (Self::Pattern(..) | Self::Range(..), _) => false,
        }
    }
}

/// Whether a value lies between bounds. `compare` orders a bound relative to the value; for a date without a time its second
/// argument chooses the end of the day.
fn within(
    lower: &UserInputBound,
    upper: &UserInputBound,
    compare: impl Fn(&str, bool) -> Option<std::cmp::Ordering>,
) -> bool {
    let above = match lower {
        UserInputBound::Inclusive(bound) => compare(bound, false).is_some_and(std::cmp::Ordering::is_le),
        UserInputBound::Exclusive(bound) => compare(bound, true).is_some_and(std::cmp::Ordering::is_lt),
        UserInputBound::Unbounded => true,
    };
    above
        && match upper {
            UserInputBound::Inclusive(bound) => compare(bound, true).is_some_and(std::cmp::Ordering::is_ge),
            UserInputBound::Exclusive(bound) => compare(bound, false).is_some_and(std::cmp::Ordering::is_gt),
            UserInputBound::Unbounded => true,
        }
}

/// Parses a time or a date, which stands for the beginning or the end of its day.
pub fn time_of(text: &str, is_end: bool) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let date: Date = text.parse().ok()?;
    let time = if is_end {
        date.at(23, 59, 59, 999_999_999)
    } else {
        date.at(0, 0, 0, 0)
    };
    TimeZone::UTC.to_timestamp(time).ok()
}

/// The words of a text: runs of letters and digits.
fn words(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

fn has_phrase(text: &str, phrase: &str) -> bool {
    let wanted: Vec<&str> = words(phrase).collect();
    let is_same = |word: &str, wanted: &str| {
        word.eq_ignore_ascii_case(wanted) || (!word.is_ascii() && word.to_lowercase() == wanted.to_lowercase())
    };
    let mut rest = words(text);
    loop {
        let mut ahead = rest.clone();
        let is_here = |wanted: &&str| ahead.next().is_some_and(|word| is_same(word, wanted));
        if !wanted.is_empty() && wanted.iter().all(is_here) {
            return true;
        }
        if rest.next().is_none() {
            return false;
        }
    }
}

/// Returns how deep the grammar recurses at most: by parentheses, and by operators in front of operators.
fn nesting(text: &str) -> usize {
    let mut spaced = String::new();
    for c in text.chars() {
        if "()+-".contains(c) {
            spaced.extend([' ', c, ' ']);
        } else {
            spaced.push(c);
        }
    }
    let (mut outer, mut depth, mut operators, mut deepest) = (Vec::new(), 0_usize, 0, 0);
    for token in spaced.split_whitespace() {
        match token {
            "(" => {
                outer.push(depth);
                depth += operators + 1;
                operators = 0;
            }
            ")" => depth = outer.pop().unwrap_or_default(),
            "NOT" | "+" | "-" => operators += 1,
            _ => operators = 0,
        }
        deepest = deepest.max(depth + operators);
    }
    deepest
}

/// Compiles a syntax tree. An error may have a reason.
fn compile(ast: UserInputAst) -> Result<Query, Option<String>> {
    match ast {
        UserInputAst::Boost(inner, factor) => Ok(Query::Boosted(Box::new(compile(*inner)?), factor.into_inner())),
        UserInputAst::Clause(clauses) => {
            let compile_clause =
                |(occur, ast): (Option<Occur>, _)| compile(ast).map(|query| (occur.unwrap_or(Occur::Should), query));
            let clauses = clauses.into_iter().map(compile_clause);
            clauses.collect::<Result<_, _>>().map(Query::Clauses)
        }
        UserInputAst::Leaf(leaf) => match *leaf {
            UserInputLeaf::All => Ok(Query::All),
            UserInputLeaf::Literal(literal) => compile_literal(literal),
            UserInputLeaf::Exists { field } => leaf_of(Some(field), Test::Exists),
            UserInputLeaf::Range { field: None, .. } => Err(Some("a range needs a field".to_owned())),
            UserInputLeaf::Range { field, lower, upper } => leaf_of(field, Test::Range(lower, upper)),
            UserInputLeaf::Regex { field, pattern } => leaf_of(field, pattern_test(&pattern)?),
            UserInputLeaf::Set { .. } => Err(Some("sets are not supported".to_owned())),
        },
    }
}

fn leaf_of(field: Option<String>, test: Test) -> Result<Query, Option<String>> {
    let field = field.map(|field| field.replace('\\', ""));
    let name = field.as_deref().unwrap_or_default();
    let bounds = match &test {
        Test::Term(term) => vec![term.as_str()],
        Test::Range(lower, upper) => vec![lower.term_str(), upper.term_str()],
        Test::Pattern(..) | Test::Exists => Vec::new(),
    };
    for bound in bounds.into_iter().filter(|bound| *bound != "*") {
        if NUMBERS.contains(&name) && bound.parse::<f64>().is_err() {
            return Err(Some(format!("For input string: \"{bound}\"")));
        }
        if TIMES.contains(&name) && time_of(bound, false).is_none() {
            return Err(Some(format!("failed to parse date field [{bound}]")));
        }
    }
    Ok(Query::Leaf { field, test })
}

fn compile_literal(literal: UserInputLiteral) -> Result<Query, Option<String>> {
    let UserInputLiteral {
        field_name,
        phrase,
        delimiter,
        slop,
        prefix,
    } = literal;
    if slop > 0 || prefix {
        return Err(Some("phrases with `~` or `*` behind them are not supported".to_owned()));
    }
    if field_name.as_deref() == Some("_exists_") {
        return leaf_of(Some(phrase), Test::Exists);
    }
    if delimiter != Delimiter::None {
        return leaf_of(field_name, Test::Term(phrase));
    }
    let has = |wanted: &[char]| unescaped(&phrase).any(|c| wanted.contains(&c));
    if has(&['/']) {
        return Err(Some(
            "`/` begins a regular expression; escape it as `\\/`, or use quotation marks".to_owned(),
        ));
    }
    if has(&['~', '!']) || ["&&", "||"].iter().any(|operator| phrase.contains(operator)) {
        return Err(Some(
            "`~`, `!`, `&&` and `||` are not supported; escape them with `\\`".to_owned(),
        ));
    }
    if phrase == "*" {
        return field_name.map_or(Ok(Query::All), |field| leaf_of(Some(field), Test::Exists));
    }
    let test = if has(&['*', '?']) {
        pattern_test(&wildcard_pattern(&phrase))?
    } else {
        Test::Term(phrase.replace('\\', ""))
    };
    leaf_of(field_name, test)
}

/// The characters of a word that no `\` precedes.
fn unescaped(word: &str) -> impl Iterator<Item = char> {
    let mut is_escaped = false;
    word.chars().filter(move |c| {
        let is_plain = !is_escaped && *c != '\\';
        is_escaped = !is_escaped && *c == '\\';
        is_plain
    })
}

fn wildcard_pattern(wildcard: &str) -> String {
    let mut pattern = String::new();
    let mut chars = wildcard.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => pattern.push_str(".*"),
            '?' => pattern.push('.'),
            '\\' => pattern.extend(chars.next().map(|c| regex::escape(c.encode_utf8(&mut [0; 4])))),
            c => pattern.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    pattern
}

fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!("^(?s:{pattern})$"))
}

fn pattern_test(pattern: &str) -> Result<Test, Option<String>> {
    let exact = whole(pattern).map_err(|_| None)?;
    let lower = Regex::new(&format!("^(?si:{pattern})$")).map_err(|_| None)?;
    Ok(Test::Pattern(exact, lower))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_a_query_or_a_syntax_error(text in r#"([ab*?/:^~+\-! "'(){}\[\]\\é<>=]|AND|OR|NOT|TO|IN|_exists_|size:|[0-9]){0,24}"#) {
            let document = crate::dev::search::documents::OneText("a b é");
            if let Ok(query) = Query::parse(&text) {
                query.score(&document);
            }
        }
    }
}
