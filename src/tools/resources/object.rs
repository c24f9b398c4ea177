//! An object, whole, if it is small enough.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{Body, Content, MOST};
use crate::error_code::ErrorCode;
use crate::s3::ObjectUri;
use crate::tools::{Session, ToolError, weight};

pub(super) async fn read(session: &Session, object: &ObjectUri) -> Result<Content, ToolError> {
    let s3 = session.s3().await?;
    let held = weight::PIECE * usize::try_from(MOST).unwrap_or(usize::MAX);
    session.hold(held).await?;
    let read = s3
        .get_range(object, 0, MOST)
        .await
        .map_err(|error| session.explain(&error))?;
    if read.size > MOST {
        let message = format!(
            "{object} has {} bytes; as a resource at most {MOST} are read.",
            read.size
        );
        let hint = "Read pieces of it with bucket_object_text or bucket_object_fetch, or make a link with \
                    bucket_object_link.";
        return Err(ToolError::new(ErrorCode::TooLarge, message).with_hint(hint));
    }
    // A text that holds NUL is most likely none.
    let text = std::str::from_utf8(&read.bytes)
        .ok()
        .filter(|text| !text.contains('\0'));
    session.hold(held + text.map_or(0, weight::of_escapes)).await?;
    let body = text.map_or_else(
        || Body::Base64(BASE64_STANDARD.encode(&read.bytes)),
        |text| Body::Text(text.to_owned()),
    );
    Ok(Content {
        mime_type: read.content_type,
        body,
    })
}
