//! Quilt's own front end over the embedded S3 (`--catalog-ui`), as a local catalog of one user, as whom its pages act.
//!
//! **Owns** what the front end asks in its mode `LOCAL`: its configuration, the credentials of the user, the queries of its
//! registry, and S3 behind its proxy. **Does not own** the rights: the browser signs its requests to S3, and the embedded S3
//! verifies the signatures.
//!
//! **Invariant.** The document and its policy let the browser load scripts, styles and fonts from this origin only.

mod bundle;
mod queries;

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
pub use bundle::CatalogUi;
use embedded_aws::{EmbeddedAws, Services};
use serde_json::{Value, json};

use self::bundle::DOCUMENT;
use self::queries::Queries;
use super::REGION;
use super::aws_requests::{answer_as_aws, is_for_aws};
use super::registry::vended;
use super::registry_users::RegistryUsers;
use crate::endpoint::{AllowedHosts, authority};

/// The user as whom the pages act.
const USER: &str = "writer";
/// Lifetime of its credentials, in seconds.
const CREDENTIALS_SECONDS: u32 = 3600;
/// Largest query.
const MAX_QUERY: usize = 64 * 1024;
/// Where the front end finds its registry, its preview functions, and S3.
const REGISTRY: &str = "/__reg";
const PREVIEWS: &str = "/__lambda";
pub(super) const S3_PROXY: &str = "/__s3proxy";
/// Nothing but pictures comes from other hosts.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; \
     img-src * data: blob:; media-src 'self' blob:; font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'",
);

struct Site {
    ui: CatalogUi,
    aws: EmbeddedAws,
    services: Services,
    users: RegistryUsers,
    hosts: AllowedHosts,
}

/// Returns the routes of a catalog with this front end. Its hosts are those of loopback and `hosts`.
pub(super) fn routes(ui: CatalogUi, aws: EmbeddedAws, users: RegistryUsers, hosts: AllowedHosts) -> Router {
    let site = Site {
        ui,
        services: aws.services(),
        aws,
        users,
        hosts,
    };
    Router::new().fallback(answer).with_state(Arc::new(site))
}

async fn answer(State(site): State<Arc<Site>>, mut request: Request) -> Response {
    // It vends credentials without a token, so a name that leads here must not make it the origin of another page.
    if !site.hosts.allows(authority(request.headers(), request.uri())) {
        return (StatusCode::FORBIDDEN, "The catalog is not served at this host.").into_response();
    }
    if restore_signed_path(&mut request) || is_for_aws(&request) {
        return answer_as_aws(&site.services, request).await;
    }
    let path = request.uri().path();
    if let Some(path) = path.strip_prefix(REGISTRY) {
        return match path {
            "/api/auth/get_credentials" => site.credentials(),
            "/graphql" | "/graphql/" => site.query(request).await,
            _ => StatusCode::NOT_FOUND.into_response(),
        };
    }
    match path {
        "/config.json" => Json(config()).into_response(),
        _ if path.starts_with(PREVIEWS) => {
            let message = "The development catalog has no functions that make previews.";
            (
                StatusCode::NOT_FOUND,
                Json(json!({ "title": message, "detail": message })),
            )
                .into_response()
        }
        _ => site.file(path.to_owned()).await,
    }
}

/// Gives a request behind the proxy the path that the browser signed, which follows `/__s3proxy/REGION/BUCKET`. Returns whether
/// it is such a request.
fn restore_signed_path(request: &mut Request) -> bool {
    let uri = request.uri();
    let proxied = uri
        .path()
        .strip_prefix(S3_PROXY)
        .and_then(|rest| rest.strip_prefix('/'));
    let Some(signed) = proxied.and_then(|rest| rest.splitn(3, '/').nth(2)) else {
        return false;
    };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let restored = format!("/{signed}{query}").parse::<PathAndQuery>().map(Uri::from);
    let is_restored = restored.is_ok();
    *request.uri_mut() = restored.unwrap_or_default();
    is_restored
}

fn config() -> Value {
    json!({
        "alwaysRequiresAuth": false, "analyticsBucket": "", "apiGatewayEndpoint": PREVIEWS,
        "binaryApiGatewayEndpoint": PREVIEWS, "mixpanelToken": "", "mode": "LOCAL", "noDownload": true,
        "passwordAuth": "DISABLED", "region": REGION, "registryUrl": REGISTRY, "s3Proxy": S3_PROXY, "sentryDSN": "",
        "serviceBucket": "", "signInRedirect": "/", "signOutRedirect": "/", "ssoAuth": "DISABLED", "ssoProviders": "",
        "stackVersion": "dev",
    })
}

impl Site {
    fn credentials(&self) -> Response {
        let role = self.users.get(USER).map(|user| user.active.arn).unwrap_or_default();
        match self.aws.mint_session(&role, USER, CREDENTIALS_SECONDS, None) {
            Ok(Some(keys)) => vended(&keys),
            _ => StatusCode::FORBIDDEN.into_response(),
        }
    }

    async fn query(&self, request: Request) -> Response {
        let Ok(body) = to_bytes(request.into_body(), MAX_QUERY).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let Ok(query) = serde_json::from_slice::<Value>(&body) else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        let Some(user) = self.users.get(USER) else {
            return StatusCode::FORBIDDEN.into_response();
        };
        let queries = Queries {
            aws: &self.aws,
            role: &user.active,
        };
        Json(queries.answer(&query)).into_response()
    }

    /// Returns a file of the front end, or its document, which shows what the path names.
    async fn file(self: Arc<Self>, path: String) -> Response {
        let read = move || {
            let name = path.trim_start_matches('/');
            self.ui.served(name).or_else(|| self.ui.served(DOCUMENT))
        };
        let Ok(Some((content_type, content))) = tokio::task::spawn_blocking(read).await else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ];
        (headers, content).into_response()
    }
}
