//! The STS half: `POST /` with a form. Knows the three actions that a session's life needs; everything about roles and
//! sessions themselves is IAM's.

mod assume;
mod form;
mod issuer;
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
pub(crate) use self::issuer::Issuer;
use self::xml::Fault;
use super::caller::Caller;
use super::iam::Unidentified;
use super::journal::Note;
use super::keys::RequestId;
use super::signed::Signed;
use crate::state::State;

/// Largest form that is read. A session policy has 2,048 characters, and a form may triple them.
const MOST_FORM: usize = 64 * 1024;

/// The STS endpoint.
pub(crate) struct Sts(pub Arc<State>);

/// Whether a request is for STS rather than S3.
pub(crate) fn is_sts(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let form = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    method == Method::POST
        && uri.path() == "/"
        && form.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

/// What an action may ask about its request.
struct Asker {
    caller: Caller,
    region: String,
    peer: Option<SocketAddr>,
    note: Note,
}

#[async_trait::async_trait]
impl S3Route for Sts {
    fn is_match(&self, method: &Method, uri: &Uri, headers: &HeaderMap, _: &mut Extensions) -> bool {
        is_sts(method, uri, headers)
    }

    /// Refusals are STS's own, so they are made where the answer is.
    async fn check_access(&self, _: &mut S3Request<Body>) -> S3Result<()> {
        Ok(())
    }

    async fn call(&self, mut request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let id = request
            .extensions
            .get::<RequestId>()
            .map_or_else(String::new, |id| id.0.clone());
        let outcome = match request.input.store_all_limited(MOST_FORM).await {
            Ok(bytes) => self.act(&request, &Form::read(&bytes)),
            Err(_) => Err(Fault::validation("The request is too large")),
        };
        Ok(match outcome {
            Ok(success) => xml::success(&success, &id),
            Err(fault) => xml::fault(&fault, &id),
        })
    }
}

impl Sts {
    fn act(&self, request: &S3Request<Body>, form: &Form) -> Result<xml::Success, Fault> {
        if form.get("Action") == Some("AssumeRoleWithWebIdentity") {
            let note = request.extensions.get::<Note>().cloned().unwrap_or_default();
            note.write(|noted| noted.operation = form.get("Action").map(str::to_owned));
            return self.assume_role_with_web_identity(&note, form);
        }
        let asker = self.asker(request, form)?;
        match form.get("Action").unwrap_or_default() {
            "AssumeRole" => self.assume_role(&asker, form),
            "GetCallerIdentity" => Ok(caller_identity(&asker.caller)),
            other => Err(Fault::new(
                400,
                "InvalidAction",
                format!("Could not find operation {other} for version 2011-06-15"),
            )),
        }
    }

    fn asker(&self, request: &S3Request<Body>, form: &Form) -> Result<Asker, Fault> {
        let note = request.extensions.get::<Note>().cloned().unwrap_or_default();
        note.write(|noted| noted.operation = form.get("Action").map(str::to_owned));
        let verified = request
            .credentials
            .as_ref()
            .map(|credentials| credentials.access_key.as_str());
        let signed = Signed::read(&request.uri, &request.headers);
        // What is claimed counts for nothing unless it is what was verified.
        let Some(signed) = signed.filter(|signed| Some(signed.access_key_id.as_str()) == verified) else {
            return Err(Fault::new(
                403,
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            ));
        };
        if signed.service != "sts" {
            let message = "Credential should be scoped to correct service: 'sts'.";
            return Err(Fault::new(403, "SignatureDoesNotMatch", message));
        }
        let caller = self.0.identify(&signed).map_err(unidentified)?;
        note.write(|noted| noted.principal_arn = Some(caller.arn.clone()));
        Ok(Asker {
            caller,
            region: signed.region,
            peer: request.extensions.get::<SocketAddr>().copied(),
            note,
        })
    }
}

fn unidentified(reason: Unidentified) -> Fault {
    match reason {
        Unidentified::UnknownKey | Unidentified::InvalidToken => Fault::new(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ),
        Unidentified::ExpiredToken => Fault::new(
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
