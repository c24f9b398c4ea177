//! The gate in front of every S3 operation: who is it, is the bucket here, may they? It runs after the signature has
//! been verified and before the operation's input is read, and leaves the `Pass` behind with which an operation asks
//! about what only its input names (the keys of `DeleteObjects`, the bucket of a key that is missing).

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

use super::action::{On, Traits, read_action, required};
use super::authorize::{Context, decide};
use super::caller::Caller;
use super::error::{access_denied, error, no_such_bucket, with_headers};
use super::iam::Unidentified;
use super::journal::Note;
use super::signed::Signed;
use crate::state::{State, lock};

/// Gives the verifier the secret of an access key.
pub(crate) struct Secrets(pub Arc<State>);

#[async_trait::async_trait]
impl S3Auth for Secrets {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let secret = lock(&self.0.iam).secret_of(access_key);
        secret
            .map(SecretKey::from)
            .ok_or_else(|| refuse(Unidentified::UnknownKey))
    }
}

/// What the gate learned about a request, for the operation behind it.
#[derive(Clone)]
pub(crate) struct Pass {
    pub caller: Caller,
    context: Arc<Context>,
}

impl Pass {
    /// The pass of the request at hand; a request without one is anonymous, which no policy allows anything.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        let absent = || Self {
            caller: Caller::anonymous(),
            context: Arc::default(),
        };
        extensions.get::<Self>().cloned().unwrap_or_else(absent)
    }

    /// Whether the caller may do `action` on `resource`, which the policy of its bucket also speaks about.
    pub(crate) fn may(&self, action: &str, resource: &str, policy: Option<&PolicyDocument>) -> S3Result<()> {
        decide(&self.caller, action, resource, policy, &self.context).map_err(|refusal| {
            error(
                S3ErrorCode::AccessDenied,
                refusal.message(&self.caller, action, resource),
            )
        })
    }
}

/// The gate.
pub(crate) struct Gate(pub Arc<State>);

#[async_trait::async_trait]
impl S3Access for Gate {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let operation = cx.s3_op().name().to_owned();
        let note = cx.extensions_mut().get::<Note>().cloned().unwrap_or_default();
        note.write(|noted| noted.operation = Some(operation.clone()));
        let signed = cx.credentials().and_then(|_| Signed::read(cx.uri(), cx.headers()));
        let caller = match (&signed, cx.credentials()) {
            (Some(signed), Some(verified)) => self.identify(signed, &verified.access_key)?,
            // Verified, but by a scheme older than Signature Version 4.
            (None, Some(_)) => return Err(super::error::invalid_request("Please use AWS4-HMAC-SHA256.")),
            (_, None) => Caller::anonymous(),
        };
        let arn = Some(caller.arn.clone()).filter(|arn| !arn.is_empty());
        note.write(|noted| noted.principal_arn = arn);
        let region = signed.as_ref().map_or("", |signed| signed.region.as_str());
        let peer = cx.extensions_mut().get::<SocketAddr>().copied();
        let context = Arc::new(self.0.s3_context(&caller, region, peer, cx.uri(), cx.headers()));
        let pass = Pass { caller, context };
        self.admit(&operation, signed.as_ref(), cx.s3_path(), cx.uri(), cx.headers(), &pass)?;
        cx.extensions_mut().insert(pass);
        Ok(())
    }
}

impl Gate {
    fn identify(&self, signed: &Signed, verified: &str) -> S3Result<Caller> {
        // What is claimed counts for nothing unless it is what was verified: a request may carry two signatures.
        if signed.access_key_id != verified {
            return Err(super::error::invalid_argument("Only one auth mechanism allowed"));
        }
        if signed.service != "s3" {
            return Err(s3s::s3_error!(
                SignatureDoesNotMatch,
                "Credential should be scoped to correct service: 's3'."
            ));
        }
        self.0.identify(signed).map_err(refuse)
    }

    fn admit(
        &self,
        operation: &str,
        signed: Option<&Signed>,
        path: &S3Path,
        uri: &Uri,
        headers: &HeaderMap,
        pass: &Pass,
    ) -> S3Result<()> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bucket = path.get_bucket_name();
        let mut policy = None;
        let mut bucket_region = None;
        if let Some(bucket) = bucket
            && operation != "CreateBucket"
        {
            let (region, bucket_policy) = lock(&self.0.store).policy_of(bucket).ok_or_else(no_such_bucket)?;
            let signed_for = signed.map_or(region.as_ref(), |signed| signed.region.as_str());
            let anywhere = operation == "GetBucketLocation" && signed_for == self.0.options.region;
            if signed_for != region.as_ref() && !anywhere {
                return Err(redirect(&region));
            }
            if text("x-amz-expected-bucket-owner").is_some_and(|owner| owner != self.0.options.account_id) {
                return Err(access_denied());
            }
            (policy, bucket_region) = (bucket_policy, Some(region));
        }
        let conditional = text("if-match").is_some_and(|value| value != "*");
        let traits = Traits {
            version: uri
                .query()
                .is_some_and(|query| query_value(query, "versionId").is_some()),
            tagging: text("x-amz-tagging").is_some(),
            if_match: conditional && !matches!(operation, "GetObject" | "HeadObject"),
        };
        for (action, on) in required(operation, traits) {
            let resource = match on {
                On::Account => "arn:aws:s3:::*".to_owned(),
                On::Bucket => bucket_arn(bucket.unwrap_or("*")),
                On::Object => object_arn(bucket.unwrap_or("*"), path.get_object_key().unwrap_or("*")),
            };
            let verdict = pass.may(&action, &resource, policy.as_deref());
            // AWS tells a bucket's region also to whom it refuses the bucket.
            verdict.map_err(|refusal| match &bucket_region {
                Some(region) if operation == "HeadBucket" => {
                    with_headers(refusal, [("x-amz-bucket-region", region.as_ref())])
                }
                _ => refusal,
            })?;
        }
        if matches!(operation, "CopyObject" | "UploadPartCopy") {
            self.admit_source(text("x-amz-copy-source").unwrap_or_default(), pass)?;
        }
        Ok(())
    }

    fn admit_source(&self, header: &str, pass: &Pass) -> S3Result<()> {
        let Ok(CopySource::Bucket {
            bucket,
            key,
            version_id,
        }) = CopySource::parse(header)
        else {
            return Err(super::error::invalid_argument(
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            ));
        };
        let policy = lock(&self.0.store).policy_of(&bucket).ok_or_else(no_such_bucket)?.1;
        pass.may(
            read_action(version_id.is_some()),
            &object_arn(&bucket, &key),
            policy.as_deref(),
        )
    }
}

impl State {
    /// Who signed, by key and token.
    pub(crate) fn identify(&self, signed: &Signed) -> Result<Caller, Unidentified> {
        let (now, account) = (self.now(), &self.options.account_id);
        lock(&self.iam).identify(account, &signed.access_key_id, signed.token.as_deref(), now)
    }
}

pub(crate) fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

pub(crate) fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}

fn query_value(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn redirect(region: &str) -> S3Error {
    let message = "The bucket you are attempting to access must be addressed using the specified endpoint. \
                   Please send all future requests to this endpoint.";
    let refusal = error(S3ErrorCode::PermanentRedirect, message);
    with_headers(refusal, [("x-amz-bucket-region", region)])
}

fn refuse(reason: Unidentified) -> S3Error {
    match reason {
        Unidentified::UnknownKey => error(
            S3ErrorCode::InvalidAccessKeyId,
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        Unidentified::InvalidToken => error(
            S3ErrorCode::InvalidToken,
            "The provided token is malformed or otherwise invalid.",
        ),
        Unidentified::ExpiredToken => error(S3ErrorCode::ExpiredToken, "The provided token has expired."),
    }
}
