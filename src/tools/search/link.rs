//! The catalog's search page with a search of this server, in the page's own parameters.

use serde_json::Value;

use crate::catalog::{CatalogLinks, CatalogPage, Order, SearchKind, SearchRequest};

/// Maximum length of the link; a longer one would crowd hits out of the result.
const MAX_LINK_BYTES: usize = 2000;

/// Returns the URL of the page that shows the search; `None` if it is too long.
pub(super) fn search_page(catalog: &CatalogLinks, request: &SearchRequest) -> Option<String> {
    let parameters = parameters(request);
    let url = catalog.url(&CatalogPage::Search { parameters })?;
    Some(url).filter(|url| url.len() <= MAX_LINK_BYTES)
}

fn parameters(request: &SearchRequest) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    let mut add = |name: &str, value: String| parameters.push((name.to_owned(), value));
    if let Some(query) = &request.query {
        add("q", query.clone());
    }
    let kind = match request.kind {
        SearchKind::Packages => "p",
        SearchKind::Objects => "o",
    };
    add("t", kind.to_owned());
    if !request.buckets.is_empty() {
        add("b", request.buckets.join(","));
    }
    let order = match &request.order {
        Order::Relevance => None,
        Order::Newest => Some("sys:modified:desc"),
        Order::Oldest => Some("sys:modified:asc"),
        Order::Name => Some("sys:name:asc"),
        Order::NameDescending => Some("sys:name:desc"),
        Order::Expression(expression) => Some(expression.as_str()),
    };
    if let Some(order) = order {
        add("s", order.to_owned());
    }
    for (field, predicate) in &request.filter {
        add(field, written(predicate).1);
    }
    for filter in &request.metadata {
        let path = filter.get("path").and_then(Value::as_str).unwrap_or_default();
        let predicates = filter.as_object().into_iter().flatten();
        for (kind, predicate) in predicates.filter(|(name, _)| *name != "path") {
            let (letter, text) = written(predicate);
            let letter = if kind == "datetime" { "d" } else { letter };
            add(&format!("meta.{letter}{path}"), text);
        }
    }
    if request.kind == SearchKind::Packages && !request.latest_only {
        add("rev", "all".to_owned());
    }
    parameters
}

/// Returns the letter of a predicate's type and its value, as the page writes them.
fn written(predicate: &Value) -> (&'static str, String) {
    if let Some(terms) = predicate.get("terms").filter(|terms| terms.is_array()) {
        let list = terms.to_string();
        let list = list.trim_start_matches('[').trim_end_matches(']');
        return ("e", list.to_owned());
    }
    if let Some(wildcard) = predicate.get("wildcard").and_then(Value::as_str) {
        // The page completes what has no wildcard, unless it is marked as strict.
        let strict = if wildcard.contains(['*', '?']) { "" } else { "$s$:" };
        return ("w", format!("{strict}{wildcard}"));
    }
    if let Some(words) = predicate.get("queryString").and_then(Value::as_str) {
        return ("t", words.to_owned());
    }
    if predicate.get("gte").is_some() {
        return ("n", predicate.to_string());
    }
    let is = |name: &str| predicate.get(name) == Some(&Value::Bool(true));
    let chosen: Vec<&str> = ["true", "false"].into_iter().filter(|name| is(name)).collect();
    ("b", chosen.join(","))
}
