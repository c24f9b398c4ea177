//! The condition keys that policies may ask about, drawn from a request and its caller. All are in lower case, because
//! AWS compares them without regard to case and the policies were lowered too. Nothing here was verified beyond the
//! caller: a header is what the client says.

use std::net::SocketAddr;

use awsim_iam_policy::ContextValue;
use hyper::{HeaderMap, Uri};
use url::form_urlencoded;

use super::authorize::Context;
use super::caller::Caller;
use crate::state::State;

impl State {
    /// The condition keys that every request has.
    pub(crate) fn context(&self, caller: &Caller, region: &str, peer: Option<SocketAddr>) -> Context {
        let mut context = Context::new();
        caller.describe(&mut context);
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

    /// The condition keys of an S3 request.
    pub(crate) fn s3_context(
        &self,
        caller: &Caller,
        region: &str,
        peer: Option<SocketAddr>,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Context {
        let mut context = self.context(caller, region, peer);
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
