//! Condition keys of a request, for the `Condition` elements and variables of policies.
//!
//! The keys are in lower case, because AWS compares them case-insensitively and the policies were lowered as well. Only the
//! caller has been verified: keys that come from headers hold what the client sent.

use std::net::SocketAddr;

use awsim_iam_policy::ContextValue;
use hyper::{HeaderMap, Uri};
use url::form_urlencoded;

use super::authorize::ConditionContext;
use super::caller::Caller;
use crate::state::State;

impl State {
    /// Returns the condition keys that every request has.
    pub(crate) fn condition_context(
        &self,
        caller: &Caller,
        region: &str,
        peer: Option<SocketAddr>,
    ) -> ConditionContext {
        let mut context = ConditionContext::new();
        caller.add_condition_keys(&mut context);
        let mut set = |key: &str, value: ContextValue| context.insert(key.to_owned(), value);
        set("aws:securetransport", ContextValue::Bool(false));
        set("aws:currenttime", ContextValue::String(self.now().to_string()));
        set(
            "aws:epochtime",
            ContextValue::String(self.now().as_second().to_string()),
        );
        set("aws:requestedregion", ContextValue::String(region.to_owned()));
        set(
            "aws:resourceaccount",
            ContextValue::String(self.options.account_id.clone()),
        );
        set(
            "s3:resourceaccount",
            ContextValue::String(self.options.account_id.clone()),
        );
        if let Some(peer) = peer {
            set("aws:sourceip", ContextValue::Ip(peer.ip().to_string()));
        }
        context
    }

    /// Returns the condition keys of an S3 request.
    pub(crate) fn s3_condition_context(
        &self,
        caller: &Caller,
        region: &str,
        peer: Option<SocketAddr>,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> ConditionContext {
        let mut context = self.condition_context(caller, region, peer);
        let mut set = |key: &str, value: String| context.insert(key.to_owned(), ContextValue::String(value));
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            let key = match name.as_ref() {
                "prefix" | "delimiter" | "max-keys" | "versionId" => format!("s3:{}", name.to_lowercase()),
                "X-Amz-Algorithm" => "s3:signatureversion".to_owned(),
                _ => continue,
            };
            set(&key, value.into_owned());
        }
        for (name, value) in headers {
            let Ok(value) = value.to_str() else { continue };
            match name.as_str() {
                "x-amz-acl"
                | "x-amz-copy-source"
                | "x-amz-metadata-directive"
                | "x-amz-server-side-encryption"
                | "x-amz-storage-class"
                | "x-amz-content-sha256"
                | "if-match"
                | "if-none-match" => {
                    set(&format!("s3:{name}"), value.to_owned());
                }
                "user-agent" => {
                    set("aws:useragent", value.to_owned());
                }
                "x-amz-tagging" => {
                    for (key, value) in form_urlencoded::parse(value.as_bytes()) {
                        set(
                            &format!("s3:requestobjecttag/{}", key.to_lowercase()),
                            value.into_owned(),
                        );
                    }
                }
                _ => {}
            }
        }
        context
    }
}
