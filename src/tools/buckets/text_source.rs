//! Content of an object as text tools read it: by ranges, and unpacked if it is gzip.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::gzip::{self, UnpackError, is_gzip, unpack};
use crate::aws::s3::{ObjectUri, UserS3};
use crate::tools::{Session, ToolError};

/// First bytes that show what content is.
const START_BYTES: u64 = 4;

/// An object that is read in pieces.
#[derive(Clone, Copy)]
pub(super) struct TextSource<'a> {
    pub session: &'a Session,
    pub s3: &'a UserS3,
    pub object: &'a ObjectUri,
}

/// A piece of an object's content.
pub(super) struct Piece {
    pub bytes: Bytes,
    /// Whether the content continues after the piece.
    pub continues: bool,
    /// Whether the content was unpacked; offsets then count unpacked bytes.
    pub is_unpacked: bool,
    /// Bytes of the object, as it is stored.
    pub size: u64,
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub version_id: Option<String>,
    /// `ETag`, without its quotes.
    pub etag: Option<String>,
    /// User metadata of the object.
    pub metadata: BTreeMap<String, String>,
}

impl TextSource<'_> {
    /// Reads at most `length` bytes from `begin` on, unpacked if the object begins as gzip does and says that it is gzip, or is
    /// read from its beginning.
    pub async fn piece(&self, begin: u64, length: u64) -> Result<Piece, ToolError> {
        let piece = self.stored(begin, length).await?;
        let may_be_gzip = begin == 0 || self.says_gzip(&piece) || piece.bytes.is_empty();
        if may_be_gzip && is_gzip(&self.stored_start(&piece, begin).await?) {
            return self.unpacked(piece, begin, length).await;
        }
        Ok(piece)
    }

    /// Returns the offset that lies `bytes` before the end.
    pub async fn offset_before_end(&self, bytes: u64) -> Result<u64, ToolError> {
        let head = match self.s3.head(self.object).await {
            Ok(head) => head,
            Err(error) => return Err(self.session.explain_object(self.s3, &error).await),
        };
        if is_gzip(&self.stored(0, START_BYTES).await?.bytes) {
            let message = format!(
                "Argument offset: {} is gzip, whose end is found only by unpacking all of it; count from the beginning.",
                self.object
            );
            return Err(ToolError::invalid(message).with_hint("With find, the whole object is searched."));
        }
        Ok(head.size.saturating_sub(bytes))
    }

    /// Reads a piece again, unpacked, if the object turns out to be gzip.
    pub async fn retry_unpacked(&self, piece: Piece, begin: u64, length: u64) -> Result<Piece, ToolError> {
        if !piece.is_unpacked && is_gzip(&self.stored_start(&piece, begin).await?) {
            return self.unpacked(piece, begin, length).await;
        }
        Ok(piece)
    }

    /// Returns the first bytes of the content to which a piece belongs, which begins at `begin`.
    pub async fn start(&self, piece: &Piece, begin: u64) -> Result<Bytes, ToolError> {
        if piece.is_unpacked && begin > 0 {
            let start = unpack(self.s3, self.object, 0, START_BYTES).await;
            return start
                .map(|start| start.bytes.into())
                .map_err(|error| self.explain(&error));
        }
        self.stored_start(piece, begin).await
    }

    async fn stored_start(&self, piece: &Piece, begin: u64) -> Result<Bytes, ToolError> {
        if begin == 0 {
            return Ok(piece.bytes.clone());
        }
        Ok(self.stored(0, START_BYTES).await?.bytes)
    }

    async fn stored(&self, begin: u64, length: u64) -> Result<Piece, ToolError> {
        let read = match self.s3.get_range(self.object, begin, length).await {
            Ok(read) => read,
            Err(error) => return Err(self.session.explain_object(self.s3, &error).await),
        };
        let end = begin.saturating_add(read.bytes.len() as u64);
        Ok(Piece {
            continues: !read.bytes.is_empty() && end < read.size,
            bytes: read.bytes,
            is_unpacked: false,
            size: read.size,
            content_type: read.content_type,
            content_encoding: read.content_encoding,
            version_id: read.version_id,
            etag: read.etag,
            metadata: read.metadata,
        })
    }

    async fn unpacked(&self, stored: Piece, begin: u64, length: u64) -> Result<Piece, ToolError> {
        match unpack(self.s3, self.object, begin, length).await {
            Ok(unpacked) => Ok(Piece {
                bytes: unpacked.bytes.into(),
                continues: unpacked.continues,
                is_unpacked: true,
                ..stored
            }),
            Err(error) => Err(self.explain(&error)),
        }
    }

    fn says_gzip(&self, piece: &Piece) -> bool {
        let says = |text: &Option<String>| {
            text.as_ref()
                .is_some_and(|text| text.to_ascii_lowercase().contains("gzip"))
        };
        let extension = self
            .object
            .key
            .as_str()
            .rsplit_once('.')
            .map(|(_, extension)| extension.to_ascii_lowercase());
        says(&piece.content_encoding)
            || says(&piece.content_type)
            || matches!(extension.as_deref(), Some("gz" | "gzip"))
    }

    pub(super) fn explain(&self, error: &UnpackError) -> ToolError {
        let object = self.object;
        match error {
            UnpackError::S3(error) => self.session.explain(error),
            UnpackError::Damaged => ToolError::invalid(format!("{object} begins as gzip and cannot be unpacked to its end."))
                .with_hint("bucket_object_fetch reads its bytes as they are stored."),
            UnpackError::TooFar => ToolError::invalid(format!(
                "Argument offset: {object} is gzip, and at most the first {} bytes of its unpacked content are skipped.",
                gzip::MAX_OFFSET
            ))
            .with_hint("bucket_object_fetch reads its bytes as they are stored."),
        }
    }
}
