//! Check of a JWT's header for critical extensions.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::identity::{BearerToken, Rejection};
use crate::json::deserialize_present;

/// The member of the header that the JWT library ignores. `serde_json::Value` would parse some keys of an unverified token
/// a second time, so the header is not decoded to one.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow, default, deserialize_with = "deserialize_present")]
    crit: Option<&'a RawValue>,
}

/// Rejects a token whose header has a `crit` member with any value: it names extensions that a verifier must understand
/// (RFC 7515, section 4.1.11), and this server understands none.
pub(super) fn reject_critical(token: &BearerToken) -> Result<(), Rejection> {
    let invalid = |detail: &str| Rejection::Invalid {
        detail: detail.to_owned(),
    };
    let malformed = || invalid("it is not a well-formed JWT");
    let (header, _) = token.secret().split_once('.').ok_or_else(malformed)?;
    let json = BASE64_URL_SAFE_NO_PAD.decode(header).map_err(|_| malformed())?;
    let header: Header<'_> = serde_json::from_slice(&json).map_err(|_| malformed())?;
    if header.crit.is_some() {
        return Err(invalid(
            "its header has a crit member, and this server supports no critical extension (RFC 7515, section 4.1.11)",
        ));
    }
    Ok(())
}
