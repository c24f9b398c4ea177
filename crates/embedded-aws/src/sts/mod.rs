//! STS: `POST /` with a form, answered for `AssumeRole`, `AssumeRoleWithWebIdentity` and `GetCallerIdentity`.
//!
//! **Does not own** roles and sessions, which belong to [`iam`](crate::iam).

mod assume;
mod form;
pub(crate) mod issuer;
mod web_identity;
pub(crate) mod xml;

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::header::CONTENT_TYPE;
use hyper::http::Extensions;
use hyper::{HeaderMap, Method, Uri};
use s3s::route::S3Route;
use s3s::{Body, S3Request, S3Response, S3Result};

use self::form::Form;
use self::xml::StsError;
use super::caller::Caller;
use super::iam::AuthenticationError;
use super::journal::DetailsHandle;
use super::keys::RequestId;
use super::signature::SignatureClaims;
use crate::state::State;

/// Maximum size of a form. A session policy has up to 2,048 characters, which percent-encoding may multiply.
const MAX_FORM_BYTES: usize = 64 * 1024;

/// The STS endpoint.
pub(crate) struct Sts(pub Arc<State>);

/// Returns whether a request is for STS rather than S3.
pub(crate) fn is_sts(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let form = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    method == Method::POST
        && uri.path() == "/"
        && form.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

/// An authenticated STS request.
struct StsRequest {
    caller: Caller,
    region: String,
    peer: Option<SocketAddr>,
    details: DetailsHandle,
}

#[async_trait::async_trait]
impl S3Route for Sts {
    fn is_match(&self, method: &Method, uri: &Uri, headers: &HeaderMap, _: &mut Extensions) -> bool {
        is_sts(method, uri, headers)
    }

    /// Allows every request: `call` authenticates, so that errors have the form of STS.
    async fn check_access(&self, _: &mut S3Request<Body>) -> S3Result<()> {
        Ok(())
    }

    async fn call(&self, mut request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let id = request
            .extensions
            .get::<RequestId>()
            .map_or_else(String::new, |id| id.0.clone());
        let outcome = match request.input.store_all_limited(MAX_FORM_BYTES).await {
            Ok(bytes) => self.dispatch(&request, &Form::parse(&bytes)),
            Err(_) => Err(StsError::validation("The request is too large")),
        };
        Ok(match outcome {
            Ok(success) => xml::success_response(&success, &id),
            Err(error) => xml::error_response(&error, &id),
        })
    }
}

impl Sts {
    fn dispatch(&self, request: &S3Request<Body>, form: &Form) -> Result<xml::Success, StsError> {
        if form.get("Action") == Some("AssumeRoleWithWebIdentity") {
            let details = request.extensions.get::<DetailsHandle>().cloned().unwrap_or_default();
            details.update(|details| details.operation = form.get("Action").map(str::to_owned));
            return self.assume_role_with_web_identity(&details, form);
        }
        let request = self.authenticate(request, form)?;
        match form.get("Action").unwrap_or_default() {
            "AssumeRole" => self.assume_role(&request, form),
            "GetCallerIdentity" => Ok(caller_identity(&request.caller)),
            other => Err(StsError::new(
                400,
                "InvalidAction",
                format!("Could not find operation {other} for version 2011-06-15"),
            )),
        }
    }

    fn authenticate(&self, request: &S3Request<Body>, form: &Form) -> Result<StsRequest, StsError> {
        let details = request.extensions.get::<DetailsHandle>().cloned().unwrap_or_default();
        details.update(|details| details.operation = form.get("Action").map(str::to_owned));
        let verified = request
            .credentials
            .as_ref()
            .map(|credentials| credentials.access_key.as_str());
        let claims = SignatureClaims::parse(&request.uri, &request.headers);
        // Claims count only if they belong to the verified signature.
        let Some(claims) = claims.filter(|claims| Some(claims.access_key_id.as_str()) == verified) else {
            return Err(StsError::new(
                403,
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            ));
        };
        if claims.service != "sts" {
            let message = "Credential should be scoped to correct service: 'sts'.";
            return Err(StsError::new(403, "SignatureDoesNotMatch", message));
        }
        let caller = self.0.authenticate(&claims).map_err(authentication_error)?;
        details.update(|details| details.principal_arn = Some(caller.arn.clone()));
        Ok(StsRequest {
            caller,
            region: claims.region,
            peer: request.extensions.get::<SocketAddr>().copied(),
            details,
        })
    }
}

fn authentication_error(reason: AuthenticationError) -> StsError {
    match reason {
        AuthenticationError::UnknownAccessKey | AuthenticationError::InvalidToken => StsError::new(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ),
        AuthenticationError::ExpiredToken => StsError::new(
            403,
            "ExpiredToken",
            "The security token included in the request is expired",
        ),
    }
}

fn caller_identity(caller: &Caller) -> xml::Success {
    let mut result = xml::Xml::default();
    result
        .text("Arn", &caller.arn)
        .text("UserId", &caller.user_id)
        .text("Account", &caller.account);
    xml::Success {
        action: "GetCallerIdentity",
        result,
    }
}
