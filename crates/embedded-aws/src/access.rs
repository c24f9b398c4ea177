//! Authentication and authorization of S3 requests.
//!
//! s3s calls [`AccessCheck`] after it has verified the signature and before it reads the operation's input. The check
//! resolves the caller, redirects requests for another region and requires the permissions of the operation. It leaves an
//! [`Authorization`] in the request's extensions, with which an operation requires what only its input names: the keys of
//! `DeleteObjects`, or `s3:ListBucket` when a key is missing.

use std::net::SocketAddr;
use std::sync::Arc;

use awsim_iam_policy::PolicyDocument;
use hyper::http::Extensions;
use hyper::{HeaderMap, Uri};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::CopySource;
use s3s::path::S3Path;
use s3s::{S3Error, S3ErrorCode, S3Result};
use url::form_urlencoded;

use super::action::{ActionModifiers, ResourceKind, read_action, required_permissions};
use super::authorize::{ConditionContext, authorize};
use super::caller::Caller;
use super::error::{access_denied, error, invalid_argument, invalid_request, no_such_bucket, with_headers};
use super::iam::AuthenticationError;
use super::journal::DetailsHandle;
use super::signature::SignatureClaims;
use crate::state::State;

/// Looks up the secret access key with which s3s verifies a signature.
pub(crate) struct SecretKeyLookup(pub Arc<State>);

#[async_trait::async_trait]
impl S3Auth for SecretKeyLookup {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let secret = self.0.iam().secret_access_key(access_key);
        secret
            .map(SecretKey::from)
            .ok_or_else(|| authentication_error(AuthenticationError::UnknownAccessKey))
    }
}

/// The authenticated caller of a request and the condition keys its policies are evaluated with.
#[derive(Clone)]
pub(crate) struct Authorization {
    pub caller: Caller,
    context: Arc<ConditionContext>,
}

impl Authorization {
    /// Returns the request's authorization. A request without one is anonymous.
    pub(crate) fn from_extensions(extensions: &Extensions) -> Self {
        let anonymous = || Self {
            caller: Caller::anonymous(),
            context: Arc::default(),
        };
        extensions.get::<Self>().cloned().unwrap_or_else(anonymous)
    }

    /// Returns `AccessDenied` unless the caller may perform `action` on `resource`, given the policy of its bucket.
    pub(crate) fn require(&self, action: &str, resource: &str, bucket_policy: Option<&PolicyDocument>) -> S3Result<()> {
        authorize(&self.caller, action, resource, bucket_policy, &self.context).map_err(|denial| {
            error(
                S3ErrorCode::AccessDenied,
                denial.message(&self.caller, action, resource),
            )
        })
    }
}

/// The access check of every S3 operation.
pub(crate) struct AccessCheck(pub Arc<State>);

#[async_trait::async_trait]
impl S3Access for AccessCheck {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let operation = cx.s3_op().name().to_owned();
        let details = cx.extensions_mut().get::<DetailsHandle>().cloned().unwrap_or_default();
        details.update(|details| details.operation = Some(operation.clone()));
        let claims = cx
            .credentials()
            .and_then(|_| SignatureClaims::parse(cx.uri(), cx.headers()));
        let caller = match (&claims, cx.credentials()) {
            (Some(claims), Some(verified)) => self.authenticate(claims, &verified.access_key)?,
            // Verified, but by a scheme older than Signature Version 4.
            (None, Some(_)) => return Err(invalid_request("Please use AWS4-HMAC-SHA256.")),
            (_, None) => Caller::anonymous(),
        };
        let arn = Some(caller.arn.clone()).filter(|arn| !arn.is_empty());
        details.update(|details| details.principal_arn = arn);
        let region = claims.as_ref().map_or("", |claims| claims.region.as_str());
        let peer = cx.extensions_mut().get::<SocketAddr>().copied();
        let context = Arc::new(
            self.0
                .s3_condition_context(&caller, region, peer, cx.uri(), cx.headers()),
        );
        let authorization = Authorization { caller, context };
        let request = RequestHead {
            operation: &operation,
            signed_region: claims.as_ref().map(|claims| claims.region.as_str()),
            path: cx.s3_path(),
            uri: cx.uri(),
            headers: cx.headers(),
        };
        self.authorize(&request, &authorization)?;
        cx.extensions_mut().insert(authorization);
        Ok(())
    }
}

/// The parts of a request that decide which permissions it needs.
struct RequestHead<'a> {
    operation: &'a str,
    /// The region in the signature's scope; `None` for an anonymous request.
    signed_region: Option<&'a str>,
    path: &'a S3Path,
    uri: &'a Uri,
    headers: &'a HeaderMap,
}

impl RequestHead<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn modifiers(&self) -> ActionModifiers {
        let query = self.uri.query().unwrap_or_default();
        let conditional = self.header("if-match").is_some_and(|value| value != "*");
        ActionModifiers {
            version: form_urlencoded::parse(query.as_bytes()).any(|(key, _)| key == "versionId"),
            tagging: self.header("x-amz-tagging").is_some(),
            if_match: conditional && !matches!(self.operation, "GetObject" | "HeadObject"),
        }
    }

    fn resource_arn(&self, kind: ResourceKind) -> String {
        let bucket = self.path.get_bucket_name().unwrap_or("*");
        match kind {
            ResourceKind::Account => "arn:aws:s3:::*".to_owned(),
            ResourceKind::Bucket => bucket_arn(bucket),
            ResourceKind::Object => object_arn(bucket, self.path.get_object_key().unwrap_or("*")),
        }
    }
}

impl AccessCheck {
    fn authenticate(&self, claims: &SignatureClaims, verified_access_key: &str) -> S3Result<Caller> {
        // Claims count only if they belong to the verified signature: a request may carry two signatures.
        if claims.access_key_id != verified_access_key {
            return Err(invalid_argument("Only one auth mechanism allowed"));
        }
        if claims.service != "s3" {
            return Err(s3s::s3_error!(
                SignatureDoesNotMatch,
                "Credential should be scoped to correct service: 's3'."
            ));
        }
        self.0.authenticate(claims).map_err(authentication_error)
    }

    fn authorize(&self, request: &RequestHead<'_>, authorization: &Authorization) -> S3Result<()> {
        let mut policy = None;
        let mut bucket_region = None;
        if let Some(bucket) = request.path.get_bucket_name()
            && request.operation != "CreateBucket"
        {
            let (region, bucket_policy) = self.0.store().region_and_policy(bucket).ok_or_else(no_such_bucket)?;
            self.check_region(request, &region)?;
            self.check_expected_owner(request)?;
            self.check_payer(request, bucket)?;
            policy = bucket_policy;
            bucket_region = Some(region);
        }
        for (action, kind) in required_permissions(request.operation, request.modifiers()) {
            let resource = request.resource_arn(kind);
            let result = authorization.require(&action, &resource, policy.as_deref());
            // AWS reports a bucket's region even to callers who may not access the bucket.
            result.map_err(|denied| match &bucket_region {
                Some(region) if request.operation == "HeadBucket" => {
                    with_headers(denied, [("x-amz-bucket-region", region.as_ref())])
                }
                _ => denied,
            })?;
        }
        if matches!(request.operation, "CopyObject" | "UploadPartCopy") {
            let source = request.header("x-amz-copy-source").unwrap_or_default();
            self.authorize_copy_source(source, authorization)?;
        }
        Ok(())
    }

    /// Redirects a request that was signed for another region. `GetBucketLocation` is also answered in the account's own
    /// region.
    fn check_region(&self, request: &RequestHead<'_>, bucket_region: &str) -> S3Result<()> {
        let signed_region = request.signed_region.unwrap_or(bucket_region);
        let any_bucket = request.operation == "GetBucketLocation" && signed_region == self.0.options.region;
        if signed_region == bucket_region || any_bucket {
            return Ok(());
        }
        Err(permanent_redirect(bucket_region))
    }

    fn check_expected_owner(&self, request: &RequestHead<'_>) -> S3Result<()> {
        let expected = request.header("x-amz-expected-bucket-owner");
        if expected.is_some_and(|owner| owner != self.0.options.account_id) {
            return Err(access_denied());
        }
        Ok(())
    }

    /// Rejects a request that does not offer to pay for a requester-pays bucket. The account's own requests have to, too:
    /// there is no other account whose requests could show it.
    fn check_payer(&self, request: &RequestHead<'_>, bucket: &str) -> S3Result<()> {
        let query = request.uri.query().unwrap_or_default();
        let offers = request.header("x-amz-request-payer").is_some()
            || form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "x-amz-request-payer");
        if offers || !self.0.store().is_requester_pays(bucket) {
            return Ok(());
        }
        let message = "Bucket is requester pays bucket but no requester pays header present.";
        Err(error(S3ErrorCode::AccessDenied, message))
    }

    fn authorize_copy_source(&self, header: &str, authorization: &Authorization) -> S3Result<()> {
        let Ok(CopySource::Bucket {
            bucket,
            key,
            version_id,
        }) = CopySource::parse(header)
        else {
            return Err(invalid_argument(
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            ));
        };
        let (_, policy) = self.0.store().region_and_policy(&bucket).ok_or_else(no_such_bucket)?;
        authorization.require(
            read_action(version_id.is_some()),
            &object_arn(&bucket, &key),
            policy.as_deref(),
        )
    }
}

impl State {
    /// Returns the caller whose access key and session token the request claims.
    pub(crate) fn authenticate(&self, claims: &SignatureClaims) -> Result<Caller, AuthenticationError> {
        let now = self.now();
        self.iam().authenticate(
            &self.options.account_id,
            &claims.access_key_id,
            claims.token.as_deref(),
            now,
        )
    }
}

pub(crate) fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

pub(crate) fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

fn permanent_redirect(region: &str) -> S3Error {
    let message = "The bucket you are attempting to access must be addressed using the specified endpoint. \
                   Please send all future requests to this endpoint.";
    let redirect = error(S3ErrorCode::PermanentRedirect, message);
    with_headers(redirect, [("x-amz-bucket-region", region)])
}

fn authentication_error(reason: AuthenticationError) -> S3Error {
    match reason {
        AuthenticationError::UnknownAccessKey => error(
            S3ErrorCode::InvalidAccessKeyId,
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        AuthenticationError::InvalidToken => error(
            S3ErrorCode::InvalidToken,
            "The provided token is malformed or otherwise invalid.",
        ),
        AuthenticationError::ExpiredToken => error(S3ErrorCode::ExpiredToken, "The provided token has expired."),
    }
}
