//! The times of revisions, as their pointers have them.

use jiff::Timestamp;
use quilt_format::{PackageName, TopHash};

use super::revision::ListedPointer;
use super::{PackageBucket, PackageError};
use crate::aws::AwsErrorKind;

/// Pointers that are read at once.
const BATCH: usize = 16;
/// Pointers that are read to find the times of revisions, the newest first.
const MAX_READ_POINTERS: usize = 64;

impl PackageBucket {
    /// Returns for each revision the time of the newest pointer of this package that names it. Only the newest pointers are
    /// read: the time of a revision far behind them is not known, and none is to a caller who may not list the pointers.
    pub async fn times_of<const N: usize>(
        &self,
        name: &PackageName,
        hashes: [&TopHash; N],
    ) -> Result<[Option<Timestamp>; N], PackageError> {
        let mut times = [None; N];
        let mut history = match self.history(name).await {
            // Who may read a revision by its hash need not be allowed to list the bucket.
            Err(error) if error.is(AwsErrorKind::AccessDenied) => return Ok(times),
            history => history?,
        };
        history.truncate(MAX_READ_POINTERS);
        for batch in history.chunks(BATCH) {
            for read in self.read_pointers(batch.to_vec()).await? {
                for (time, _) in times.iter_mut().zip(hashes).filter(|(_, hash)| read.names(hash)) {
                    *time = time.or_else(|| seconds_of(&read.pointer, name));
                }
            }
            if times.iter().all(Option::is_some) {
                break;
            }
        }
        Ok(times)
    }
}

fn seconds_of(pointer: &ListedPointer, name: &PackageName) -> Option<Timestamp> {
    let seconds = i64::try_from(pointer.seconds(name)?).ok()?;
    Timestamp::from_second(seconds).ok()
}
