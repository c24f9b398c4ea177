//! Errors of queries.

use super::{QueryStatus, WorkgroupProblem};
use crate::aws::AwsError;

/// Why a use case of Athena failed.
#[derive(Debug, thiserror::Error)]
pub enum AthenaError {
    /// A request to AWS failed.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The caller may use no workgroup.
    #[error("no workgroup of Athena can be used")]
    NoWorkgroup(Vec<WorkgroupProblem>),
    /// The caller may use several workgroups, and named none.
    #[error("several workgroups of Athena can be used")]
    SeveralWorkgroups(Vec<String>),
    /// There is no workgroup of this name, or it stores no results.
    #[error("the workgroup cannot be used: {reason}")]
    UnusableWorkgroup { name: String, reason: String },
    /// The query does not exist, is not the caller's to read, or its result is gone.
    #[error("there is no query {id}: {reason}")]
    NoSuchQuery { id: String, reason: String },
    /// Several queries begin so.
    #[error("several queries begin with {prefix}")]
    AmbiguousQuery { prefix: String, ids: Vec<String> },
    /// The caller has as many queries in flight as it may.
    #[error("too many queries are in flight")]
    Busy(Vec<String>),
    /// Athena refused the statement before it ran.
    #[error("Athena refused the statement: {0}")]
    Refused(AwsError),
    /// The query ended without a result.
    #[error("the query did not succeed")]
    Unsuccessful(Box<QueryStatus>),
    /// Athena took the statement for one that does not only read; it was stopped.
    #[error("Athena took the statement for {0}")]
    NotReading(String),
    /// The time of the call ended while the query ran; it was stopped.
    #[error("the query was stopped at the end of the call")]
    Stopped(Box<QueryStatus>),
    /// The client left while the query ran; it was stopped.
    #[error("the query was stopped because the client left")]
    Left,
    /// The query runs, and its state cannot be read.
    #[error("the state of query {id} cannot be read")]
    Lost { id: String, error: Box<AwsError> },
    /// Rows that are too wide for a result.
    #[error("the result has {0} columns, more than fit")]
    TooWide(usize),
    /// One row of a result is larger than what is read of it at once.
    #[error("a row of the result is too large")]
    RowTooLarge,
    /// A statement of this server has a result that is larger than one call reads.
    #[error("the list is too long")]
    ListTooLong,
    /// There is no such database in its catalog.
    #[error("there is no database {name}")]
    NoSuchDatabase {
        name: String,
        /// Names of databases that are like it.
        nearest: Vec<String>,
    },
    /// There is no such table, or the caller may not read it.
    #[error("there is no table {0}")]
    NoSuchTable(String),
}
