//! Ranges that are read to their end although a connection breaks: the rest is asked for again, of the same object.

use bytes::{Bytes, BytesMut};

use super::{ObjectUri, ReadQuery, S3Error, UserS3};

/// How often a read goes on after a break that brought nothing new.
const RESUMPTIONS: u32 = 2;

impl UserS3 {
    /// Hands the bytes `first..=last` to `take` as they come, each once and in order. With `etag` the object has to be
    /// that one to the end, else the error is [`super::S3ErrorKind::PreconditionFailed`].
    pub async fn stream_range(
        &self,
        object: &ObjectUri,
        etag: Option<&str>,
        (first, last): (u64, u64),
        mut take: impl FnMut(&[u8]) + Send,
    ) -> Result<(), S3Error> {
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
            if resumptions > RESUMPTIONS {
                return Err(end);
            }
        }
        Ok(())
    }

    /// The bytes `first..=last`, as [`stream_range`](Self::stream_range) reads them.
    pub async fn read_range(
        &self,
        object: &ObjectUri,
        etag: Option<&str>,
        (first, last): (u64, u64),
    ) -> Result<Bytes, S3Error> {
        let length = (last + 1).saturating_sub(first);
        let mut bytes = BytesMut::with_capacity(usize::try_from(length).unwrap_or_default());
        self.stream_range(object, etag, (first, last), |piece| bytes.extend_from_slice(piece))
            .await?;
        Ok(bytes.freeze())
    }
}
