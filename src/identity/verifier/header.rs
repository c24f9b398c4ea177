//! The header of a JWT, as far as this server reads it by itself.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::identity::{BearerToken, Rejection};
use crate::json::deserialize_present;

/// Other members become no value, because the sender is not known yet and `serde_json::Value` parses some keys anew.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow, default, deserialize_with = "deserialize_present")]
    crit: Option<&'a RawValue>,
}

/// Refuses a token whose header has a `crit` member, whatever its value: it names extensions that a verifier must
/// understand (RFC 7515, section 4.1.11), and this server understands none. The JWT library drops the member unseen.
pub(super) fn refuse_critical(token: &BearerToken) -> Result<(), Rejection> {
    let invalid = |detail: &str| Rejection::Invalid {
        detail: detail.to_owned(),
    };
    let malformed = || invalid("it is not a well-formed JWT");
    let (header, _) = token.secret().split_once('.').ok_or_else(malformed)?;
    let json = BASE64_URL_SAFE_NO_PAD.decode(header).map_err(|_| malformed())?;
    let header: Header<'_> = serde_json::from_slice(&json).map_err(|_| malformed())?;
    if header.crit.is_some() {
        return Err(invalid(
            "its header has a crit member, and this server understands no critical extension (RFC 7515, section 4.1.11)",
        ));
    }
    Ok(())
}
