//! What was asked of the embedded AWS, and by whom: the evidence a test reads. Holds the newest entries only, and no
//! secret: no signature, token, header or body. An entry exists before its client sees the response; `bytes_sent` grows
//! while the body is written.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many entries are kept.
pub const JOURNAL_CAPACITY: usize = 65_536;

/// One request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// The access key that the request named, also when its signature did not verify.
    pub access_key_id: Option<String>,
    /// ARN of the user or role session, once its credentials verified.
    pub principal_arn: Option<String>,
    /// The API operation, such as `PutObject` or `AssumeRole`; `Unresolved` when the request was refused before the
    /// operation was known (a signature that does not match).
    pub operation: String,
    /// The bucket of the request's path.
    pub bucket: Option<String>,
    /// The object key of the request's path; the role ARN for `AssumeRole`.
    pub key: Option<String>,
    /// `RoleSessionName` of an `AssumeRole`.
    pub session_name: Option<String>,
    /// HTTP status of the answer.
    pub status: u16,
    /// Response body bytes handed to the connection so far.
    pub bytes_sent: u64,
    /// The `x-amz-request-id` of the answer.
    pub request_id: String,
}

struct Record {
    entry: JournalEntry,
    sent: Arc<AtomicU64>,
}

/// A handle on the record of requests; clones see the same entries.
#[derive(Clone, Default)]
pub struct Journal {
    records: Arc<Mutex<VecDeque<Record>>>,
}

impl Journal {
    /// The kept entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<JournalEntry> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records
            .iter()
            .map(|record| JournalEntry {
                bytes_sent: record.sent.load(Ordering::Acquire),
                ..record.entry.clone()
            })
            .collect()
    }

    /// The kept entries, oldest first, which are then forgotten.
    #[must_use]
    pub fn take(&self) -> Vec<JournalEntry> {
        let records = std::mem::take(&mut *self.records.lock().unwrap_or_else(PoisonError::into_inner));
        let told = |record: Record| JournalEntry {
            bytes_sent: record.sent.load(Ordering::Acquire),
            ..record.entry
        };
        records.into_iter().map(told).collect()
    }

    /// Forgets every entry.
    pub fn clear(&self) {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many entries are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether nothing was asked yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn push(&self, entry: JournalEntry, sent: Arc<AtomicU64>) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() >= JOURNAL_CAPACITY {
            records.pop_front();
        }
        records.push_back(Record { entry, sent });
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("len", &self.len()).finish()
    }
}

/// What the layers below the HTTP envelope learn about a request, for its journal entry.
#[derive(Clone, Default)]
pub(crate) struct Note(Arc<Mutex<Noted>>);

#[derive(Clone, Default)]
pub(crate) struct Noted {
    pub operation: Option<String>,
    pub principal_arn: Option<String>,
    pub bucket: Option<String>,
    pub key: Option<String>,
    pub session_name: Option<String>,
}

impl Note {
    pub(crate) fn write(&self, fill: impl FnOnce(&mut Noted)) {
        fill(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn read(&self) -> Noted {
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
