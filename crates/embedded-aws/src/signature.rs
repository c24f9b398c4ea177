//! Signature claims of a request: access key, region, service and session token.
//!
//! The claims are not verified. They are parsed here because s3s passes neither the claims region to the access check nor
//! the access key of a request whose signature does not match.

use hyper::header::AUTHORIZATION;
use hyper::{HeaderMap, Uri};
use url::form_urlencoded;

/// The claims of a request's signature.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SignatureClaims {
    pub access_key_id: String,
    pub region: String,
    pub service: String,
    pub token: Option<String>,
    /// Whether the signature consists of 64 hexadecimal digits.
    pub well_formed: bool,
}

impl SignatureClaims {
    /// Parses the claims of a presigned URL or an `Authorization` header; returns `None` when the request has neither. If
    /// it has both, the presigned URL is used, because that is the one s3s verifies.
    pub(crate) fn parse(uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(query) = uri.query().filter(|query| query.contains("X-Amz-Signature")) {
            let value = |name: &str| {
                form_urlencoded::parse(query.as_bytes())
                    .find(|(key, _)| key == name)
                    .map(|(_, value)| value.into_owned())
            };
            let token = value("X-Amz-Security-Token").or_else(|| header("x-amz-security-token").map(str::to_owned));
            return Self::from_parts(&value("X-Amz-Credential")?, &value("X-Amz-Signature")?, token);
        }
        let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok())?;
        let field = |name: &str| {
            let (_, rest) = authorization.split_once(name)?;
            rest.split([',', ' ']).next()
        };
        let token = header("x-amz-security-token").map(str::to_owned);
        Self::from_parts(field("Credential=")?, field("Signature=").unwrap_or_default(), token)
    }

    fn from_parts(credential: &str, signature: &str, token: Option<String>) -> Option<Self> {
        let mut parts = credential.split('/');
        let access_key_id = parts.next()?.to_owned();
        let _ = parts.next(); // the date
        let region = parts.next().unwrap_or("");
        let service = parts.next().unwrap_or("");
        let well_formed = signature.len() == 64 && signature.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(Self {
            access_key_id,
            region: region.to_owned(),
            service: service.to_owned(),
            token,
            well_formed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_kinds() {
        let mut headers = HeaderMap::new();
        let signature = "0".repeat(64);
        let value = format!(
            "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature={signature}"
        );
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        headers.insert("x-amz-security-token", "t".parse().unwrap());
        let claims = SignatureClaims::parse(&Uri::from_static("/b/k"), &headers).unwrap();
        assert_eq!(
            (
                claims.access_key_id.as_str(),
                claims.region.as_str(),
                claims.service.as_str()
            ),
            ("AKIA", "eu-west-1", "s3")
        );
        assert_eq!((claims.token.as_deref(), claims.well_formed), (Some("t"), true));

        let uri: Uri = format!(
            "/b/k?X-Amz-Credential=AKIA%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=0{signature}"
        )
        .parse()
        .unwrap();
        let claims = SignatureClaims::parse(&uri, &headers).unwrap();
        assert_eq!((claims.region.as_str(), claims.well_formed), ("us-east-1", false));
        assert!(SignatureClaims::parse(&Uri::from_static("/b/k"), &HeaderMap::new()).is_none());
    }
}
