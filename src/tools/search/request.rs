//! From arguments to a search of the catalog: checked, and completed as the catalog's page completes what is typed there.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde_json::{Map, Value, json};

use super::args::{Filters, MetadataFilter};
use crate::aws::s3::BucketName;
use crate::catalog::{Order, SearchKind, SearchRequest};
use crate::tools::ToolError;

/// Maximum length of a query; longer ones would crowd their own hits out of a result.
const MAX_QUERY_CHARS: usize = 2000;
/// Maximum number of buckets that are named.
const MAX_BUCKETS: usize = 200;
/// Characters with which a query is in the syntax of Elasticsearch, and not completed.
const SYNTAX: &[char] = &[
    ':', '*', '?', '"', '\'', '+', '|', '(', ')', '[', ']', '{', '}', '~', '-',
];

/// What a caller asks for.
pub(super) struct Question<'a> {
    pub query: &'a str,
    pub buckets: &'a [BucketName],
    pub filters: &'a Filters,
    pub metadata: &'a [MetadataFilter],
    pub latest_only: bool,
    pub sort: &'a str,
    /// Whether nothing is completed.
    pub is_exact: bool,
    pub with_text: bool,
}

impl Question<'_> {
    /// Checks the question, and makes the search for one kind. Filters of the other kind are left out.
    pub(super) fn request(&self, kind: SearchKind) -> Result<SearchRequest, ToolError> {
        let query = self.query.trim();
        if query.chars().count() > MAX_QUERY_CHARS {
            let message = format!("Argument query: it is longer than {MAX_QUERY_CHARS} characters.");
            return Err(ToolError::invalid(message));
        }
        if self.buckets.len() > MAX_BUCKETS {
            let message = format!("Argument buckets: at most {MAX_BUCKETS} can be named; leave it out to search all.");
            return Err(ToolError::invalid(message));
        }
        let metadata = match kind {
            SearchKind::Packages => self.metadata,
            SearchKind::Objects => &[],
        };
        let metadata = metadata.iter().enumerate();
        Ok(SearchRequest {
            kind,
            buckets: self.buckets.iter().map(ToString::to_string).collect(),
            query: (!query.is_empty()).then(|| self.completed(query)),
            filter: self.filter(kind)?,
            metadata: metadata
                .map(|(index, filter)| self.predicate(index, filter))
                .collect::<Result<_, _>>()?,
            latest_only: self.latest_only,
            order: order(self.sort, kind)?,
            with_text: self.with_text,
        })
    }

    /// Completes words with a wildcard, unless they are in the syntax of Elasticsearch.
    fn completed(&self, words: &str) -> String {
        let has_operator = words
            .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .any(|word| matches!(word, "AND" | "OR"));
        if self.is_exact || has_operator || words.contains(SYNTAX) {
            words.to_owned()
        } else {
            format!("{words}*")
        }
    }

    /// Completes a keyword with a wildcard, unless it has one.
    fn wildcard(&self, keyword: &str) -> Value {
        let keyword = keyword.trim();
        let is_complete = self.is_exact || keyword.contains(['*', '?']);
        let wildcard = if is_complete {
            keyword.to_owned()
        } else {
            format!("{keyword}*")
        };
        json!({ "terms": null, "wildcard": wildcard })
    }

    fn filter(&self, kind: SearchKind) -> Result<Map<String, Value>, ToolError> {
        let filters = self.filters;
        let text = |words: &String| json!({ "queryString": self.completed(words.trim()) });
        let modified = times(
            ("filters.modified_after", filters.modified_after.as_deref()),
            ("filters.modified_before", filters.modified_before.as_deref()),
        )?;
        let size = numbers(
            ("filters.size_min", filters.size_min),
            ("filters.size_max", filters.size_max),
        )?;
        let own = match kind {
            SearchKind::Objects => [
                ("ext", terms(filters.ext.as_deref(), extension)),
                ("key", filters.key.as_deref().map(|key| self.wildcard(key))),
                ("content", filters.content.as_ref().map(text)),
                (
                    "deleted",
                    Some(json!({ "true": filters.deleted, "false": !filters.deleted })),
                ),
            ]
            .to_vec(),
            SearchKind::Packages => {
                let entries = numbers(
                    ("filters.entries_min", filters.entries_min),
                    ("filters.entries_max", filters.entries_max),
                )?;
                vec![
                    ("name", filters.name.as_deref().map(|name| self.wildcard(name))),
                    ("hash", filters.hash.as_deref().map(|hash| self.wildcard(hash))),
                    ("entries", entries),
                    ("comment", filters.message.as_ref().map(text)),
                    ("workflow", terms(filters.workflow.as_deref(), str::to_owned)),
                ]
            }
        };
        let all = [("modified", modified), ("size", size)].into_iter().chain(own);
        Ok(all
            .filter_map(|(name, predicate)| Some((name.to_owned(), predicate?)))
            .collect())
    }

    fn predicate(&self, index: usize, filter: &MetadataFilter) -> Result<Value, ToolError> {
        let name = |member: &str| format!("metadata[{index}].{member}");
        if !is_json_pointer(&filter.path) {
            let message = format!(
                "Argument {}: expected a JSON pointer, such as /sample/organism.",
                name("path")
            );
            return Err(ToolError::invalid(message));
        }
        let (after, before, min, max) = (name("after"), name("before"), name("min"), name("max"));
        let mut found = vec![
            ("keyword", terms(filter.equals.as_deref(), str::to_owned)),
            ("keyword", filter.wildcard.as_deref().map(|text| self.wildcard(text))),
            (
                "number",
                numbers((min.as_str(), filter.min), (max.as_str(), filter.max))?,
            ),
            (
                "datetime",
                times(
                    (after.as_str(), filter.after.as_deref()),
                    (before.as_str(), filter.before.as_deref()),
                )?,
            ),
            (
                "text",
                filter
                    .text
                    .as_deref()
                    .map(|words| json!({ "queryString": self.completed(words.trim()) })),
            ),
            ("boolean", filter.is.map(|is| json!({ "true": is, "false": !is }))),
        ];
        found.retain(|(_, predicate)| predicate.is_some());
        let [(kind, Some(predicate))] = found.as_slice() else {
            let message = format!(
                "Argument metadata[{index}]: expected one of equals, wildcard, min and max, after and before, text, is."
            );
            return Err(ToolError::invalid(message));
        };
        Ok(json!({ "path": filter.path, (*kind): predicate }))
    }
}

/// Returns the predicate for any of these terms.
fn terms(given: Option<&[String]>, convert: impl Fn(&str) -> String) -> Option<Value> {
    let given = given.filter(|given| !given.is_empty())?;
    let terms: Vec<String> = given.iter().map(|term| convert(term)).collect();
    Some(json!({ "terms": terms, "wildcard": null }))
}

/// Returns an extension as the index has it: in lower case, with its dot.
fn extension(text: &str) -> String {
    let text = text.trim().trim_start_matches("*.").to_lowercase();
    if text.is_empty() || text.starts_with('.') {
        text
    } else {
        format!(".{text}")
    }
}

fn numbers<T: Copy + PartialOrd + serde::Serialize>(
    (low_name, low): (&str, Option<T>),
    (high_name, high): (&str, Option<T>),
) -> Result<Option<Value>, ToolError> {
    if let (Some(low), Some(high)) = (low, high)
        && low > high
    {
        return Err(upside_down(low_name, high_name));
    }
    let is_given = low.is_some() || high.is_some();
    Ok(is_given.then(|| json!({ "gte": low, "lte": high })))
}

fn times(
    (after_name, after): (&str, Option<&str>),
    (before_name, before): (&str, Option<&str>),
) -> Result<Option<Value>, ToolError> {
    let after = after.map(|text| time(after_name, text)).transpose()?;
    let before = before.map(|text| time(before_name, text)).transpose()?;
    numbers((after_name, after), (before_name, before))
}

fn upside_down(low: &str, high: &str) -> ToolError {
    ToolError::invalid(format!("Argument {low}: it is greater than {high}, so nothing fits."))
}

/// Reads a time, or the beginning of a day in UTC.
fn time(name: &str, text: &str) -> Result<Timestamp, ToolError> {
    let text = text.trim();
    let day = || {
        let day: Date = text.parse().ok()?;
        Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
    };
    text.parse().ok().or_else(day).ok_or_else(|| {
        let message =
            format!("Argument {name}: expected a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z.");
        ToolError::invalid(message)
    })
}

/// Whether a text is a JSON pointer (RFC 6901) of a member.
fn is_json_pointer(text: &str) -> bool {
    let is_escaped = |part: &str| part.starts_with(['0', '1']);
    text.len() > 1 && text.starts_with('/') && text.split('~').skip(1).all(is_escaped)
}

/// Reads the argument `sort`.
fn order(sort: &str, kind: SearchKind) -> Result<Order, ToolError> {
    let order = match sort.trim() {
        "" | "relevance" => Order::Relevance,
        "newest" | "sys:modified:desc" => Order::Newest,
        "oldest" | "sys:modified:asc" => Order::Oldest,
        "name" | "sys:name:asc" => Order::Name,
        "name_desc" | "sys:name:desc" => Order::NameDescending,
        expression if kind == SearchKind::Packages && is_expression(expression) => {
            Order::Expression(expression.to_owned())
        }
        _ => {
            let more = match kind {
                SearchKind::Packages => ", or an expression such as sys:size:desc or usr:/sample/date:datetime:asc",
                SearchKind::Objects => " for objects",
            };
            let message = format!("Argument sort: expected relevance, newest, oldest, name or name_desc{more}.");
            return Err(ToolError::invalid(message));
        }
    };
    Ok(order)
}

/// Whether a text is an expression of the catalog's `PackageOrdering`.
fn is_expression(text: &str) -> bool {
    let Some((rest, "asc" | "desc")) = text.rsplit_once(':') else {
        return false;
    };
    match (rest.strip_prefix("sys:"), rest.strip_prefix("usr:")) {
        (Some(field), _) => matches!(field, "name" | "modified" | "size" | "entries" | "hash" | "workflow"),
        (_, Some(field)) => field.rsplit_once(':').is_some_and(|(pointer, kind)| {
            is_json_pointer(pointer) && matches!(kind, "number" | "datetime" | "keyword" | "text" | "boolean")
        }),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_completed_as_the_catalogs_page_completes_them() {
        let filters = Filters::default();
        let mut question = Question {
            query: "",
            buckets: &[],
            filters: &filters,
            metadata: &[],
            latest_only: true,
            sort: "",
            is_exact: false,
            with_text: false,
        };
        for (words, sent) in [
            ("sample", "sample*"),
            ("two words", "two words*"),
            ("SANDY ORbit", "SANDY ORbit*"),
            ("a AND b", "a AND b"),
            ("OR", "OR"),
            ("ext:csv", "ext:csv"),
            ("\"a b\"", "\"a b\""),
            ("a-b", "a-b"),
        ] {
            assert_eq!(question.completed(words), sent);
        }
        assert_eq!(question.wildcard("team/x")["wildcard"], "team/x*");
        assert_eq!(question.wildcard("*/x")["wildcard"], "*/x");
        question.is_exact = true;
        assert_eq!(question.completed("sample"), "sample");
        assert_eq!(question.wildcard("team/x")["wildcard"], "team/x");
    }

    #[test]
    fn pointers_extensions_and_expressions_are_checked() {
        for good in ["/a", "/a/b c", "/a~0b~1c", "/ü/0"] {
            assert!(is_json_pointer(good), "{good}");
        }
        for bad in ["", "/", "a", "a/b", "/a~2", "/a~"] {
            assert!(!is_json_pointer(bad), "{bad}");
        }
        for (given, indexed) in [("csv", ".csv"), (".CSV", ".csv"), ("*.fastq.gz", ".fastq.gz"), ("", "")] {
            assert_eq!(extension(given), indexed);
        }
        for good in ["sys:size:desc", "usr:/a:b:number:asc"] {
            assert!(is_expression(good), "{good}");
        }
        for bad in [
            "sys:comment:asc",
            "sys:size",
            "usr:a:number:asc",
            "usr:/a:date:asc",
            "size:desc",
        ] {
            assert!(!is_expression(bad), "{bad}");
        }
        assert_eq!(time("x", "2026-01-31").unwrap().to_string(), "2026-01-31T00:00:00Z");
    }
}
