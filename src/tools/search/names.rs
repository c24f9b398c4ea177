//! Names that S3 lists, in place of a search that cannot be had.
//!
//! Used only where it answers the question: buckets are named, and the query is one word without syntax. The result says what
//! it is.

use super::part::{Part, SearchedBy, Wanted};
use super::request::Question;
use super::row::Row;
use crate::aws::s3::{BucketName, ListingQuery, ObjectUri, UserS3};
use crate::catalog::{Order, SearchKind, SearchRequest};
use crate::tools::answer_size::length;
use crate::tools::{Session, ToolError};

/// Maximum number of pages of keys that a call lists, of 1000 keys each.
const MAX_PAGES: usize = 10;

/// Lists the names that contain the word; `None` if that does not answer the question.
pub(super) async fn find(
    session: &Session,
    question: &Question<'_>,
    request: &SearchRequest,
    wanted: &Wanted<'_>,
) -> Option<Result<Part, ToolError>> {
    let letters = question.query.trim();
    let is_plain = !letters.is_empty()
        && letters
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '/'));
    // Of the filters, S3 knows only the beginning of a key; versions that are deleted are not listed.
    let is_plain = is_plain
        && request.metadata.is_empty()
        && request
            .filter
            .iter()
            .all(|(name, _)| name == "key" || name == "deleted" && !question.filters.deleted);
    // S3 lists by name and knows no relevance.
    let is_sorted = matches!(request.order, Order::Relevance | Order::Name);
    if !is_plain || question.buckets.is_empty() || wanted.cursor.is_some() || !is_sorted {
        return None;
    }
    Some(list(session, question, request, letters, wanted).await)
}

async fn list(
    session: &Session,
    question: &Question<'_>,
    request: &SearchRequest,
    letters: &str,
    wanted: &Wanted<'_>,
) -> Result<Part, ToolError> {
    let s3 = session.s3().await?;
    let letters = letters.to_lowercase();
    let limit = usize::try_from(wanted.limit).unwrap_or(100);
    let mut part = Part::empty(request, SearchedBy::S3);
    let mut is_complete = true;
    for bucket in question.buckets {
        let left = limit - part.results.len();
        let (rows, is_whole) = match request.kind {
            SearchKind::Packages => packages(session, s3.clone(), bucket, &letters, left).await?,
            SearchKind::Objects => objects(session, &s3, bucket, question, &letters, left).await?,
        };
        part.results.extend(rows);
        is_complete &= is_whole;
    }
    while length(&part) > wanted.max_chars && part.results.pop().is_some() {
        is_complete = false;
    }
    part.query_sent = Some(question.query.trim().to_owned());
    part.returned = part.results.len();
    part.complete = Some(is_complete);
    let mut warning = "Names only: there is no search, so S3 was asked for names that contain the word; contents and \
                       metadata were not searched."
        .to_owned();
    if !is_complete {
        warning.push_str(" There may be more names.");
    }
    part.warnings.push(warning);
    Ok(part)
}

async fn packages(
    session: &Session,
    s3: UserS3,
    bucket: &BucketName,
    letters: &str,
    limit: usize,
) -> Result<(Vec<Row>, bool), ToolError> {
    let packages = session.packages(s3, bucket.clone());
    let found = packages.find_packages(letters, limit).await;
    let (found, is_complete) = found.map_err(|error| session.explain_package(error))?;
    let row = |listed: crate::packages::ListedPackage| {
        let latest = listed.latest.map(|latest| (latest.hash.to_string(), latest.modified));
        Row::of_name(bucket.as_str(), &listed.name, latest)
    };
    Ok((found.into_iter().map(row).collect(), is_complete))
}

async fn objects(
    session: &Session,
    s3: &UserS3,
    bucket: &BucketName,
    question: &Question<'_>,
    letters: &str,
    limit: usize,
) -> Result<(Vec<Row>, bool), ToolError> {
    let pattern = question.filters.key.as_deref().map(str::trim);
    let prefix = pattern.unwrap_or_default().split(['*', '?']).next().unwrap_or_default();
    let mut query = ListingQuery {
        prefix: prefix.to_owned(),
        delimiter: None,
        max_keys: 1000,
        continuation_token: None,
        start_after: None,
    };
    let mut rows = Vec::new();
    for _ in 0..MAX_PAGES {
        let page = s3.list_objects(bucket, &query).await;
        let page = page.map_err(|error| session.explain(&error))?;
        for object in page.objects {
            let fits = object.key.to_lowercase().contains(letters)
                && pattern.is_none_or(|pattern| is_like(&format!("{pattern}*"), &object.key));
            let key = object.key.parse().ok().filter(|_| fits);
            let Some(key) = key else { continue };
            if rows.len() == limit {
                return Ok((rows, false));
            }
            let uri = ObjectUri::latest(bucket.clone(), key);
            rows.push(Row::of_key(&uri, object.size, object.last_modified));
        }
        query.continuation_token = page.next_continuation_token;
        if query.continuation_token.is_none() {
            return Ok((rows, true));
        }
    }
    Ok((rows, false))
}

/// Whether a text fits a pattern with `*` and `?`.
fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut matched) = (0, 0);
    // Where to go on if the last star has to match one character more.
    let mut retry: Option<(usize, usize)> = None;
    while matched < text.len() {
        match pattern.get(at) {
            Some('*') => {
                retry = Some((at, matched));
                at += 1;
            }
            Some(letter) if *letter == '?' || Some(letter) == text.get(matched) => {
                at += 1;
                matched += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    at = star + 1;
                    matched = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_wildcards_do() {
        for (pattern, text, is) in [
            ("data/*", "data/a/b.csv", true),
            ("*.csv", "a/b.csv", true),
            ("*.csv", "a.csv.gz", false),
            ("a?c*", "abcdef", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(is_like(pattern, text), is, "{pattern} {text}");
        }
    }
}
