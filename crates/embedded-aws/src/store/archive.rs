//! Archived objects: the storage classes and tiers whose objects have to be restored, and their restores.

use jiff::{SignedDuration, Timestamp};
use s3s::dto::{StorageClass, Tier};
use s3s::{S3ErrorCode, S3Result};

use crate::error::{error, invalid_argument};

/// The archive tier of a version, and its restore. Both change while the content does not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Archive {
    /// The archive tier of an object in `INTELLIGENT_TIERING`, such as `ARCHIVE_ACCESS`.
    pub tier: Option<String>,
    restore: Option<Restore>,
}

#[derive(Debug, Clone)]
struct Restore {
    ready: Timestamp,
    /// When the restored copy is removed; `None` for an object that returns from an archive tier.
    expires: Option<Timestamp>,
}

impl Archive {
    /// Returns whether an object of this class has to be restored before it is read.
    pub fn blocks_reads(&self, class: Option<&str>, now: Timestamp) -> bool {
        self.is_archived(class, now)
            && !self
                .restore
                .as_ref()
                .is_some_and(|restore| restore.ready <= now && restore.expires.is_some_and(|end| now < end))
    }

    fn is_archived(&self, class: Option<&str>, now: Timestamp) -> bool {
        matches!(class, Some(StorageClass::GLACIER | StorageClass::DEEP_ARCHIVE)) || self.current_tier(now).is_some()
    }

    /// Returns the archive tier, which a completed restore ends.
    pub fn current_tier(&self, now: Timestamp) -> Option<&str> {
        let has_returned = self.restore.as_ref().is_some_and(|restore| restore.ready <= now);
        self.tier.as_deref().filter(|_| !has_returned)
    }

    /// Returns the header `x-amz-restore`.
    pub fn restore_header(&self, now: Timestamp) -> Option<String> {
        let restore = self.restore.as_ref()?;
        if now < restore.ready {
            return Some("ongoing-request=\"true\"".to_owned());
        }
        let end = restore.expires.filter(|end| now < *end)?;
        let end = end.strftime("%a, %d %b %Y %H:%M:%S GMT");
        Some(format!("ongoing-request=\"false\", expiry-date=\"{end}\""))
    }

    /// Begins a restore, or prolongs the one that is complete; returns whether it was complete.
    pub fn restore(
        &mut self,
        class: Option<&str>,
        days: Option<i32>,
        tier: Option<&str>,
        now: Timestamp,
    ) -> S3Result<bool> {
        if !self.is_archived(class, now) {
            let message = "Restore is not allowed for the object's current storage class";
            return Err(error(S3ErrorCode::InvalidObjectState, message));
        }
        if self.restore.as_ref().is_some_and(|restore| now < restore.ready) {
            let message = "Object restore is already in progress";
            return Err(error(S3ErrorCode::RestoreAlreadyInProgress, message));
        }
        let is_complete = !self.blocks_reads(class, now);
        let ready = if is_complete { now } else { now + duration(class, tier) };
        let expires = match (self.tier.is_some(), days) {
            (true, _) => None,
            (false, Some(days)) if days > 0 => {
                Some(midnight_after(ready + SignedDuration::from_hours(24 * i64::from(days))))
            }
            (false, _) => return Err(invalid_argument("Days must be a positive integer")),
        };
        self.restore = Some(Restore { ready, expires });
        Ok(is_complete)
    }

    /// Completes a restore that is in progress.
    pub fn complete(&mut self, now: Timestamp) {
        if let Some(restore) = &mut self.restore {
            restore.ready = restore.ready.min(now);
        }
    }
}

/// Returns the longest time that a restore takes according to AWS's documentation.
fn duration(class: Option<&str>, tier: Option<&str>) -> SignedDuration {
    match (class, tier) {
        (Some(StorageClass::DEEP_ARCHIVE), Some(Tier::BULK)) => SignedDuration::from_hours(48),
        (_, Some(Tier::EXPEDITED)) => SignedDuration::from_mins(5),
        (Some(StorageClass::DEEP_ARCHIVE), _) | (_, Some(Tier::BULK)) => SignedDuration::from_hours(12),
        _ => SignedDuration::from_hours(5),
    }
}

fn midnight_after(time: Timestamp) -> Timestamp {
    const DAY: i64 = 24 * 3600;
    let midnight = (time.as_second().div_euclid(DAY) + 1) * DAY;
    Timestamp::from_second(midnight).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_is_in_progress_then_complete_then_over() {
        let class = Some(StorageClass::GLACIER);
        let begin: Timestamp = "2026-01-01T10:00:00Z".parse().unwrap();
        let mut archive = Archive::default();
        assert!(archive.blocks_reads(class, begin) && !archive.blocks_reads(Some(StorageClass::GLACIER_IR), begin));
        assert!(!archive.restore(class, Some(2), None, begin).unwrap());
        assert!(archive.restore(class, Some(2), None, begin).is_err());
        assert_eq!(archive.restore_header(begin).unwrap(), "ongoing-request=\"true\"");
        let later = begin + SignedDuration::from_hours(5);
        assert!(archive.blocks_reads(class, begin) && !archive.blocks_reads(class, later));
        let expected = "ongoing-request=\"false\", expiry-date=\"Sun, 04 Jan 2026 00:00:00 GMT\"";
        assert_eq!(archive.restore_header(later).unwrap(), expected);
        let end = begin + SignedDuration::from_hours(72);
        assert!(archive.blocks_reads(class, end) && archive.restore_header(end).is_none());
    }

    #[test]
    fn an_object_returns_from_an_archive_tier_for_good() {
        let class = Some(StorageClass::INTELLIGENT_TIERING);
        let now = Timestamp::UNIX_EPOCH;
        let mut archive = Archive {
            tier: Some("ARCHIVE_ACCESS".to_owned()),
            ..Archive::default()
        };
        assert!(archive.blocks_reads(class, now));
        assert!(!archive.restore(class, None, None, now).unwrap());
        archive.complete(now);
        assert!(!archive.blocks_reads(class, now) && archive.current_tier(now).is_none());
    }
}
