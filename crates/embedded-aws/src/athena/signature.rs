//! Verification of Signature Version 4 for Athena; s3s verifies the signatures of S3 and STS only.

use std::fmt::Write as _;

use hmac::digest::Key;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use jiff::Timestamp;
use jiff::civil::DateTime;
use sha2::{Digest as _, Sha256};

use super::wire::ApiError;
use crate::signature::SignatureClaims;

/// Maximum difference between the time of a signature and the system time.
const MAX_SKEW_SECONDS: i64 = 15 * 60;

/// Checks that a request is signed with this secret, recently.
pub(crate) fn verify(parts: &Parts, body: &[u8], claims: &SignatureClaims, secret: &str) -> Result<(), ApiError> {
    let mismatch = || {
        let message = "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                       Access Key and signing method. Consult the service documentation for details.";
        ApiError::new("InvalidSignatureException", message)
    };
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = header(AUTHORIZATION.as_str()).unwrap_or_default();
    let field = |name: &str| {
        let (_, rest) = authorization.split_once(name)?;
        rest.split([',', ' ']).next()
    };
    let time = header("x-amz-date").ok_or_else(mismatch)?;
    let (signed, signature) = field("SignedHeaders=").zip(field("Signature=")).ok_or_else(mismatch)?;
    let mut headers = String::new();
    for name in signed.split(';') {
        let values = parts
            .headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let values: Vec<String> = values
            .map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let _ = writeln!(headers, "{name}:{}", values.join(","));
    }
    let method = &parts.method;
    let canonical = format!("{method}\n/\n\n{headers}\n{signed}\n{}", hex(&Sha256::digest(body)));
    let date = time.get(..8).ok_or_else(mismatch)?;
    let scope = format!("{date}/{}/athena/aws4_request", claims.region);
    let digest = hex(&Sha256::digest(canonical));
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}");
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [date, &claims.region, "athena", "aws4_request"] {
        key = mac(&key, part).finalize().into_bytes().to_vec();
    }
    let given = unhex(signature).ok_or_else(mismatch)?;
    mac(&key, &to_sign).verify_slice(&given).map_err(|_| mismatch())?;
    let signed_at = DateTime::strptime("%Y%m%dT%H%M%SZ", time).ok();
    let signed_at = signed_at.and_then(|time| jiff::tz::TimeZone::UTC.to_timestamp(time).ok());
    let skew = signed_at.ok_or_else(mismatch)?.duration_since(system_time());
    if skew.abs().as_secs() > MAX_SKEW_SECONDS {
        return Err(ApiError::new(
            "InvalidSignatureException",
            format!("Signature expired: {time} is now too old or too new"),
        ));
    }
    Ok(())
}

/// Returns the time with which clients sign, whatever the account's clock says.
#[expect(clippy::disallowed_methods, reason = "clients sign with the system time")]
fn system_time() -> Timestamp {
    Timestamp::now()
}

fn mac(key: &[u8], text: &str) -> Hmac<Sha256> {
    // Keys of any length are accepted.
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| Hmac::<Sha256>::new(&Key::<Hmac<Sha256>>::default()));
    mac.update(text.as_bytes());
    mac
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
