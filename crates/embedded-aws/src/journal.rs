//! Journal of requests, for assertions in tests.
//!
//! Keeps the most recent entries only. An entry contains no signature, token, header or body. It is written before the
//! client receives the response; `bytes_sent` grows while the body is written.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Maximum number of entries in the journal; older ones are dropped.
pub const JOURNAL_CAPACITY: usize = 65_536;

/// One answered request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// The access key ID in the request, even if its signature did not verify.
    pub access_key_id: Option<String>,
    /// The ARN of the user or role session, if its credentials were accepted.
    pub principal_arn: Option<String>,
    /// The API operation, such as `PutObject` or `AssumeRole`; `Unresolved` when the request failed before the operation
    /// was known, for example because its signature did not match.
    pub operation: String,
    /// The bucket in the request's path.
    pub bucket: Option<String>,
    /// The object key in the request's path; the role ARN for `AssumeRole` and `AssumeRoleWithWebIdentity`.
    pub key: Option<String>,
    /// The `RoleSessionName` of `AssumeRole` and `AssumeRoleWithWebIdentity`.
    pub session_name: Option<String>,
    /// The HTTP status of the response.
    pub status: u16,
    /// The number of response body bytes handed to the connection so far.
    pub bytes_sent: u64,
    /// The `x-amz-request-id` of the response.
    pub request_id: String,
    /// When it was answered, by [`Options::clock`](crate::Options::clock).
    pub time: Timestamp,
}

struct Record {
    entry: JournalEntry,
    sent: Arc<AtomicU64>,
}

/// A handle on the journal. Clones share the same entries.
#[derive(Clone, Default)]
pub struct Journal {
    records: Arc<Mutex<VecDeque<Record>>>,
}

impl Journal {
    /// Returns the entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<JournalEntry> {
        self.lock()
            .iter()
            .map(|record| JournalEntry {
                bytes_sent: record.sent.load(Ordering::Acquire),
                ..record.entry.clone()
            })
            .collect()
    }

    /// Removes the entries and returns them, oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<JournalEntry> {
        let records = std::mem::take(&mut *self.lock());
        records
            .into_iter()
            .map(|record| JournalEntry {
                bytes_sent: record.sent.load(Ordering::Acquire),
                ..record.entry
            })
            .collect()
    }

    /// Removes all entries.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Returns the number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Returns whether the journal has no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn push(&self, entry: JournalEntry, sent: Arc<AtomicU64>) {
        let mut records = self.lock();
        if records.len() >= JOURNAL_CAPACITY {
            records.pop_front();
        }
        records.push_back(Record { entry, sent });
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("len", &self.len()).finish()
    }
}

/// The properties of a request that its journal entry and its error response contain.
#[derive(Clone, Default)]
pub(crate) struct RequestDetails {
    pub operation: Option<String>,
    pub principal_arn: Option<String>,
    pub bucket: Option<String>,
    pub key: Option<String>,
    pub session_name: Option<String>,
}

/// A handle on the details of a request, carried in its extensions so that each layer can add what it learns.
#[derive(Clone, Default)]
pub(crate) struct DetailsHandle(Arc<Mutex<RequestDetails>>);

impl DetailsHandle {
    pub(crate) fn update(&self, update: impl FnOnce(&mut RequestDetails)) {
        update(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn snapshot(&self) -> RequestDetails {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: usize) -> JournalEntry {
        JournalEntry {
            access_key_id: None,
            principal_arn: None,
            operation: "GetObject".to_owned(),
            bucket: None,
            key: None,
            session_name: None,
            status: 200,
            bytes_sent: 0,
            request_id: id.to_string(),
            time: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn keeps_the_newest_and_counts_bytes_live() {
        let journal = Journal::default();
        let sent = Arc::new(AtomicU64::new(0));
        for id in 0..=JOURNAL_CAPACITY {
            journal.push(entry(id), Arc::clone(&sent));
        }
        sent.store(7, Ordering::Release);
        let entries = journal.entries();
        assert_eq!(entries.len(), JOURNAL_CAPACITY);
        assert_eq!((entries[0].request_id.as_str(), entries[0].bytes_sent), ("1", 7));
        journal.clear();
        assert!(journal.is_empty());
    }
}
