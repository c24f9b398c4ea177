//! The catalog's host without a front end of its own: its configuration, and pages that lead to the console of the server.
//!
//! Like the real one it serves `/config.json`, and an HTML page with status 200 on every other path, including that of the
//! registry's credentials. Pages of buckets and packages lead to the same in the console.

use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::catalog::{CatalogLinks, CatalogPage};

/// What is on a page of the console's address as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Page of what the console does not show.
const PAGE: &str = "<!doctype html><title>Quilt catalog (development)</title><p>The development catalog has no pages. A catalog \
                    that has them shows here what this URL names. <code>quilt-mcp dev --catalog-ui</code> serves those of \
                    Quilt's own front end.";

/// The address of the console's server, once it is known.
pub(super) type ConsoleAddress = Arc<OnceLock<String>>;

/// Returns `/config.json`.
pub(super) fn config(registry_url: &str, region: &str) -> Value {
    json!({
        "alwaysRequiresAuth": true, "apiGatewayEndpoint": "", "mixpanelToken": "", "mode": "PRODUCT",
        "passwordAuth": "ENABLED", "ssoAuth": "DISABLED", "ssoProviders": "", "region": region,
        "registryUrl": registry_url, "s3Proxy": "", "serviceBucket": "", "stackVersion": "dev",
    })
}

/// Returns the routes of the catalog's host.
pub(super) fn routes(registry_url: &str, region: &str, console: ConsoleAddress) -> Router {
    let config = config(registry_url, region);
    Router::new()
        .route("/config.json", get(move || async move { Json(config) }))
        .fallback(page)
        .with_state(console)
}

async fn page(State(console): State<ConsoleAddress>, uri: Uri) -> Response {
    let address = console.get().and_then(|console| console_page(console, &uri));
    match address {
        Some(address) => (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response(),
        None => Html(PAGE).into_response(),
    }
}

/// Returns the console's page of what a page of the catalog shows.
fn console_page(console: &str, uri: &Uri) -> Option<String> {
    let page = CatalogLinks::page_at_any(&format!("http://localhost{uri}")).ok()?;
    let segment = |text: &str| utf8_percent_encode(text, SEGMENT).to_string();
    let (bucket, rest) = match page {
        CatalogPage::Bucket { bucket } | CatalogPage::PackageList { bucket } => (bucket, String::new()),
        CatalogPage::Revisions { bucket, name } => (bucket, format!("/{name}")),
        CatalogPage::Package {
            bucket, name, revision, ..
        } => {
            let revision = revision.map(|revision| format!("@{}", segment(&revision)));
            (bucket, format!("/{name}{}", revision.unwrap_or_default()))
        }
        _ => return None,
    };
    // A name has letters, digits and a slash; one that was listed may have others.
    let rest: Vec<String> = rest
        .split('/')
        .map(|part| part.replace(|symbol: char| symbol.is_control() || " \"<>`%".contains(symbol), "-"))
        .collect();
    Some(format!("{console}#packages/{}{}", segment(&bucket), rest.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_packages_lead_to_the_console() {
        let at = |path: &str| console_page("http://127.0.0.1:8000/", &path.parse().unwrap());
        let to = |fragment: &str| Some(format!("http://127.0.0.1:8000/#packages/{fragment}"));
        let hash = "0".repeat(64);
        assert_eq!(
            at(&format!("/b/data/packages/a/b/tree/{hash}/x/y.csv")),
            to(&format!("data/a/b@{hash}"))
        );
        assert_eq!(at("/b/data/packages/a/b"), to("data/a/b"));
        assert_eq!(at("/b/data/packages/"), to("data"));
        assert_eq!(at("/b/data/tree/x.csv"), None);
        assert_eq!(at("/"), None);
    }
}
