//! Authentication of calls, and the permissions of their callers.

use std::net::SocketAddr;
use std::sync::Arc;

use awsim_iam_policy::ContextValue;
use hyper::http::request::Parts;

use super::signature::verify;
use super::source::{DataCatalog, ObjectRef, TableSource};
use super::sql::{self, Failure};
use super::wire::ApiError;
use crate::action::read_action;
use crate::authorize::{ConditionContext, authorize};
use crate::caller::Caller;
use crate::iam::AuthenticationError;
use crate::signature::SignatureClaims;
use crate::state::State;

/// The caller of an operation.
#[derive(Clone)]
pub(crate) struct CallerAccess {
    pub state: Arc<State>,
    pub caller: Caller,
    context: ConditionContext,
    source: Option<Arc<dyn TableSource>>,
}

impl CallerAccess {
    /// Returns the caller of a request whose signature, session token and expiry are in order.
    pub fn authenticate(state: &Arc<State>, parts: &Parts, body: &[u8], peer: SocketAddr) -> Result<Self, ApiError> {
        let claims = SignatureClaims::parse(&parts.uri, &parts.headers)
            .ok_or_else(|| ApiError::new("MissingAuthenticationTokenException", "Missing Authentication Token"))?;
        let unrecognized = || {
            let message = "The security token included in the request is invalid.";
            ApiError::new("UnrecognizedClientException", message)
        };
        if claims.service != "athena" || claims.region != state.options.region {
            let region = &state.options.region;
            let message = format!("Credential should be scoped to a valid region and service: '{region}', 'athena'.");
            return Err(ApiError::new("InvalidSignatureException", message));
        }
        let secret = state.iam().secret_access_key(&claims.access_key_id);
        verify(parts, body, &claims, &secret.ok_or_else(unrecognized)?)?;
        let caller = state.authenticate(&claims).map_err(|reason| match reason {
            AuthenticationError::UnknownAccessKey | AuthenticationError::InvalidToken => unrecognized(),
            AuthenticationError::ExpiredToken => {
                let message = "The security token included in the request is expired";
                ApiError::new("ExpiredTokenException", message)
            }
        })?;
        let context = state.condition_context(&caller, &claims.region, Some(peer));
        Ok(Self {
            source: state.athena.settings.lock().source.clone(),
            state: Arc::clone(state),
            caller,
            context,
        })
    }

    /// Returns the ARN of a resource of this account.
    fn arn(&self, service: &str, resource: &str) -> String {
        let options = &self.state.options;
        format!("arn:aws:{service}:{}:{}:{resource}", options.region, options.account_id)
    }

    /// Returns the message with which an action is denied.
    fn denial(&self, action: &str, resource: &str, context: &ConditionContext) -> Option<String> {
        let bucket = resource.strip_prefix("arn:aws:s3:::");
        let bucket = bucket.and_then(|path| path.split('/').next());
        let policy = bucket.and_then(|bucket| self.state.store().region_and_policy(bucket));
        let policy = policy.and_then(|(_, policy)| policy);
        let denial = authorize(&self.caller, action, resource, policy.as_deref(), context).err()?;
        Some(denial.message(&self.caller, action, resource).replace('"', ""))
    }

    /// Checks that the caller may call an operation on a workgroup or data catalog.
    pub fn require(&self, operation: &str, resource: &str) -> Result<(), ApiError> {
        let resource = if resource == "*" {
            "*".to_owned()
        } else {
            self.arn("athena", resource)
        };
        match self.denial(&format!("athena:{operation}"), &resource, &self.context) {
            Some(message) => Err(ApiError::new("AccessDeniedException", message)),
            None => Ok(()),
        }
    }

    /// Checks what Athena does on behalf of the caller.
    fn require_via_athena(&self, action: &str, resource: &str) -> Result<(), Failure> {
        let mut context = self.context.clone();
        let via = vec!["athena.amazonaws.com".to_owned()];
        context.insert("aws:calledvia".to_owned(), ContextValue::StringList(via));
        match self.denial(action, resource, &context) {
            Some(message) => {
                let message = format!("Insufficient permissions to execute the query. {message}");
                Err(Failure::plain("PERMISSION_DENIED", message))
            }
            None => Ok(()),
        }
    }

    fn data_catalog(&self, name: &str) -> Option<DataCatalog> {
        let mut catalogs = self.source.as_ref()?.catalogs().into_iter();
        catalogs.find(|catalog| catalog.name.eq_ignore_ascii_case(name))
    }

    fn has_function(&self, catalog: &str) -> bool {
        self.data_catalog(catalog)
            .is_some_and(|catalog| catalog.function_arn.is_some())
    }
}

impl sql::Access for CallerAccess {
    fn catalog(&self, name: &str) -> Result<(), Failure> {
        let Some(DataCatalog {
            name,
            function_arn: Some(function),
        }) = self.data_catalog(name)
        else {
            return Ok(());
        };
        self.require_via_athena(
            "athena:GetDataCatalog",
            &self.arn("athena", &format!("datacatalog/{name}")),
        )?;
        self.require_via_athena("lambda:InvokeFunction", &function)
    }

    fn database(&self, catalog: &str, database: &str) -> Result<(), Failure> {
        if !self.has_function(catalog) {
            return self.require_via_athena("glue:GetDatabase", &self.arn("glue", &format!("database/{database}")));
        }
        let bucket = self
            .source
            .as_ref()
            .and_then(|source| source.listed_bucket(catalog, database));
        bucket.map_or(Ok(()), |bucket| {
            self.require_via_athena("s3:ListBucket", &format!("arn:aws:s3:::{bucket}"))
        })
    }

    fn table(&self, catalog: &str, database: &str, table: &str) -> Result<(), Failure> {
        if self.has_function(catalog) {
            return Ok(());
        }
        self.require_via_athena("glue:GetTable", &self.arn("glue", &format!("table/{database}/{table}")))
    }

    fn object(&self, object: &ObjectRef) -> Result<(), Failure> {
        let (bucket, key) = (&object.bucket, &object.key);
        let action = read_action(object.version_id.is_some());
        self.require_via_athena(action, &format!("arn:aws:s3:::{bucket}/{key}"))
            .map_err(|denied| {
                let message = format!("Permission denied on S3 path: s3://{bucket}/{key}. {}", denied.message);
                Failure::plain("PERMISSION_DENIED", message)
            })
    }
}
