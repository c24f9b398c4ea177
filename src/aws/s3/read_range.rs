//! Ranges that are read to their end although a connection breaks: the rest of the same object is requested again.

use bytes::{Bytes, BytesMut};

use super::{ObjectUri, ReadQuery, UserS3};
use crate::aws::AwsError;

/// How often a read is resumed after a break without progress.
const MAX_RESUMPTIONS: u32 = 2;

impl UserS3 {
    /// Passes the bytes `first..=last` to `take` as they come, each once and in order. With `etag` the object has to be
    /// that one to the end, else the error is
    /// [`PreconditionFailed`](crate::aws::AwsErrorKind::PreconditionFailed).
    pub async fn stream_range(
        &self,
        object: &ObjectUri,
        etag: Option<&str>,
        (first, last): (u64, u64),
        mut take: impl FnMut(&[u8]) + Send,
    ) -> Result<(), AwsError> {
        let mut next = first;
        let mut resumptions = 0;
        while next <= last {
            let query = ReadQuery {
                range: Some((next, last)),
                if_match: etag.map(str::to_owned),
                ..ReadQuery::default()
            };
            let mut opened = self.open(object, &query).await?;
            let begun = next;
            let end = loop {
                match opened.next().await {
                    Ok(Some(bytes)) => {
                        let wanted = usize::try_from(last + 1 - next).unwrap_or(usize::MAX).min(bytes.len());
                        take(bytes.get(..wanted).unwrap_or_default());
                        next += wanted as u64;
                        if next > last {
                            return Ok(());
                        }
                    }
                    Ok(None) => break opened.cut_short(),
                    Err(error) => break error,
                }
            };
            resumptions = if next > begun { 0 } else { resumptions + 1 };
            if resumptions > MAX_RESUMPTIONS {
                return Err(end);
            }
        }
        Ok(())
    }

    /// Reads the bytes `first..=last`, as [`stream_range`](Self::stream_range) reads them.
    pub async fn read_range(
        &self,
        object: &ObjectUri,
        etag: Option<&str>,
        (first, last): (u64, u64),
    ) -> Result<Bytes, AwsError> {
        let length = (last + 1).saturating_sub(first);
        let mut bytes = BytesMut::with_capacity(usize::try_from(length).unwrap_or_default());
        self.stream_range(object, etag, (first, last), |piece| bytes.extend_from_slice(piece))
            .await?;
        Ok(bytes.freeze())
    }
}
