//! Content of an object that is small enough for a resource.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{Body, Content, MAX_BYTES};
use crate::aws::s3::ObjectUri;
use crate::error_code::ErrorCode;
use crate::tools::estimate::{CONTENT_FACTOR, estimate_escapes_bytes};
use crate::tools::{Session, ToolError};

pub(super) async fn read(session: &Session, object: &ObjectUri) -> Result<Content, ToolError> {
    let s3 = session.s3().await?;
    let bytes = CONTENT_FACTOR * usize::try_from(MAX_BYTES).unwrap_or(usize::MAX);
    session.reserve(bytes).await?;
    let read = match s3.get_range(object, 0, MAX_BYTES).await {
        Ok(read) => read,
        Err(error) => return Err(session.explain_object(&s3, &error).await),
    };
    if read.size > MAX_BYTES {
        let message = format!("{object} has {} bytes; a resource has at most {MAX_BYTES}.", read.size);
        let hint = "Read pieces of it with bucket_object_text or bucket_object_fetch, or create a link with \
                    bucket_object_link.";
        return Err(ToolError::new(ErrorCode::TooLarge, message).with_hint(hint));
    }
    // Content with NUL is most likely binary.
    let text = std::str::from_utf8(&read.bytes)
        .ok()
        .filter(|text| !text.contains('\0'));
    session.reserve(bytes + text.map_or(0, estimate_escapes_bytes)).await?;
    let body = text.map_or_else(
        || Body::Base64(BASE64_STANDARD.encode(&read.bytes)),
        |text| Body::Text(text.to_owned()),
    );
    Ok(Content {
        mime_type: read.content_type,
        body,
    })
}
