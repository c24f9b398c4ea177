//! Conditional requests: `If-Match` and related headers, evaluated against the current version. Write conditions are
//! checked under the same lock as the write, so that exactly one of several concurrent writers succeeds.

use jiff::Timestamp;
use s3s::dto::{self, ETag, ETagCondition};
use s3s::{S3ErrorCode, S3Result};

use super::object::wire_time;
use super::versions::Version;
use crate::error::{error, no_such_key, precondition_failed};

/// The conditions of a read, or on the source of a copy.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_field_names, reason = "the fields are named after their headers")]
pub(crate) struct ReadCondition {
    pub if_match: Option<ETagCondition>,
    pub if_none_match: Option<ETagCondition>,
    pub if_modified_since: Option<dto::Timestamp>,
    pub if_unmodified_since: Option<dto::Timestamp>,
}

/// The result of evaluating the conditions of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadVerdict {
    /// The conditions hold.
    Proceed,
    /// The client's copy is current: answered with 304.
    NotModified,
    /// A condition does not hold: answered with 412.
    Failed,
}

impl ReadCondition {
    /// Evaluates the conditions in the order of RFC 9110, in which entity tags take precedence over times.
    pub fn check(&self, etag: &str, modified: Timestamp) -> ReadVerdict {
        let modified = wire_time(modified);
        match (&self.if_match, &self.if_unmodified_since) {
            (Some(condition), _) if !etag_matches(condition, etag) => return ReadVerdict::Failed,
            (None, Some(since)) if modified > *since => return ReadVerdict::Failed,
            _ => {}
        }
        match (&self.if_none_match, &self.if_modified_since) {
            (Some(condition), _) if etag_matches(condition, etag) => ReadVerdict::NotModified,
            (None, Some(since)) if modified <= *since => ReadVerdict::NotModified,
            _ => ReadVerdict::Proceed,
        }
    }
}

/// The conditions of a write or delete.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteCondition {
    pub if_match: Option<ETagCondition>,
    pub if_none_match: Option<ETagCondition>,
}

impl WriteCondition {
    /// Checks the conditions against the current version of the key.
    pub fn check(&self, live: Option<&Version>) -> S3Result<()> {
        let etag = live
            .and_then(|version| version.content.as_deref())
            .map(|object| object.etag.as_str());
        match (&self.if_none_match, etag) {
            (Some(ETagCondition::ETag(_)), _) => {
                let message = "A header you provided implies functionality that is not implemented";
                return Err(error(S3ErrorCode::NotImplemented, message));
            }
            (Some(ETagCondition::Any), Some(_)) => return Err(precondition_failed()),
            _ => {}
        }
        match (&self.if_match, etag) {
            (Some(_), None) => Err(no_such_key()),
            (Some(condition), Some(etag)) if !etag_matches(condition, etag) => Err(precondition_failed()),
            _ => Ok(()),
        }
    }
}

fn etag_matches(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(ETag::Strong(value) | ETag::Weak(value)) => value == etag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(value: &str) -> ETagCondition {
        ETagCondition::ETag(ETag::Strong(value.to_owned()))
    }

    #[test]
    fn entity_tags_decide_before_times() {
        let early = Timestamp::from_second(100).unwrap();
        let late = Timestamp::from_second(200).unwrap();
        let check = |condition: ReadCondition| condition.check("e", Timestamp::from_second(150).unwrap());
        assert_eq!(check(ReadCondition::default()), ReadVerdict::Proceed);
        let both = ReadCondition {
            if_match: Some(tag("e")),
            if_unmodified_since: Some(wire_time(early)),
            ..Default::default()
        };
        assert_eq!(check(both), ReadVerdict::Proceed);
        let both = ReadCondition {
            if_none_match: Some(tag("x")),
            if_modified_since: Some(wire_time(late)),
            ..Default::default()
        };
        assert_eq!(check(both), ReadVerdict::Proceed);
        let same = ReadCondition {
            if_none_match: Some(tag("e")),
            ..Default::default()
        };
        assert_eq!(check(same), ReadVerdict::NotModified);
        let stale = ReadCondition {
            if_unmodified_since: Some(wire_time(early)),
            ..Default::default()
        };
        assert_eq!(check(stale), ReadVerdict::Failed);
    }
}
