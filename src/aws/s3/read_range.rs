//! Ranges that are read to their end although a connection breaks: the rest of the same object is requested again.

use bytes::{Bytes, BytesMut};

use super::{ObjectUri, Opened, ReadQuery, UserS3};
use crate::aws::AwsError;

/// How often a read is resumed after a break without progress.
const MAX_RESUMPTIONS: u32 = 2;

/// The bytes of a range as they come, each once and in order.
pub struct RangeStream<'a> {
    s3: &'a UserS3,
    object: &'a ObjectUri,
    etag: Option<String>,
    next: u64,
    end: u64,
    opened: Option<Opened>,
    /// Where the current request began.
    begun: u64,
    resumptions: u32,
}

impl<'a> RangeStream<'a> {
    /// Names the bytes from `begin` to before `end`. With `etag` the object has to be that one to the end, else the error is
    /// [`PreconditionFailed`](crate::aws::AwsErrorKind::PreconditionFailed).
    #[must_use]
    pub fn new(s3: &'a UserS3, object: &'a ObjectUri, etag: Option<String>, begin: u64, end: u64) -> Self {
        Self {
            s3,
            object,
            etag,
            next: begin,
            end,
            opened: None,
            begun: begin,
            resumptions: 0,
        }
    }

    /// Returns the next bytes; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, AwsError> {
        while self.next < self.end {
            let mut opened = match self.opened.take() {
                Some(opened) => opened,
                None => self.open().await?,
            };
            let error = match opened.next().await {
                Ok(Some(mut bytes)) => {
                    let left = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
                    bytes.truncate(left);
                    self.next += bytes.len() as u64;
                    self.opened = Some(opened);
                    return Ok(Some(bytes));
                }
                Ok(None) => opened.cut_short(),
                Err(error) => error,
            };
            self.resumptions = if self.next > self.begun {
                0
            } else {
                self.resumptions + 1
            };
            if self.resumptions > MAX_RESUMPTIONS {
                return Err(error);
            }
        }
        Ok(None)
    }

    async fn open(&mut self) -> Result<Opened, AwsError> {
        self.begun = self.next;
        let query = ReadQuery {
            range: Some((self.next, self.end - 1)),
            if_match: self.etag.clone(),
            ..ReadQuery::default()
        };
        self.s3.open(self.object, &query).await
    }
}

impl UserS3 {
    /// Passes the bytes `first..=last` to `take` as a [`RangeStream`] has them.
    pub async fn stream_range(
        &self,
        object: &ObjectUri,
        etag: Option<&str>,
        (first, last): (u64, u64),
        mut take: impl FnMut(&[u8]) + Send,
    ) -> Result<(), AwsError> {
        let mut stream = RangeStream::new(self, object, etag.map(str::to_owned), first, last.saturating_add(1));
        while let Some(bytes) = stream.next().await? {
            take(&bytes);
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
