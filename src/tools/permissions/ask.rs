//! Asks S3 about one bucket, within a limit. What is not known by then stays unknown, and what is known by then is told.

use jiff::Timestamp;
use tokio::time::Instant;

use super::access::BucketAccess;
use super::evidence::{Evidence, Operation, Witness};
use super::verdict::{Verdict, verdict, verdict_on_guess};
use super::write;
use crate::s3::{BucketName, Listing, ListingQuery, ObjectKey, ObjectUri, S3Error, S3ErrorKind, UserS3};
use crate::tools::Session;

/// Where packages are listed.
const PACKAGES: &str = ".quilt/named_packages/";
/// Keys that many buckets of a catalog have: one is read where no key could be listed. Only a success proves anything.
const LIKELY_KEYS: [&str; 2] = ["README.md", ".quilt/workflows/config.yml"];
/// Keys listed, of which the first and the last are tried.
const KEYS: i32 = 10;

/// Which operations S3 is asked about. Reading needs a key, so it asks for a listing too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Questions {
    /// Listing.
    pub list: bool,
    /// Reading.
    pub read: bool,
    /// Writing; never without being asked for.
    pub write: bool,
}

impl Questions {
    /// What may be asked unasked.
    pub const READS: Self = Self {
        list: true,
        read: true,
        write: false,
    };
}

/// One bucket, and until when S3 may take its time.
pub(super) struct Inquiry<'a> {
    pub session: &'a Session,
    pub s3: &'a UserS3,
    pub bucket: &'a BucketName,
    began: Instant,
    pub until: Instant,
}

/// Why a question was not answered with what was asked for.
pub(super) enum Failure {
    /// S3 answered something else.
    S3(S3Error),
    /// It did not answer in time.
    Late,
}

impl<'a> Inquiry<'a> {
    /// A bucket may take its limit, and no longer than the call.
    pub(super) fn begin(session: &'a Session, s3: &'a UserS3, bucket: &'a BucketName) -> Self {
        let began = Instant::now();
        Self {
            session,
            s3,
            bucket,
            began,
            until: (began + session.bucket_limit()).min(session.deadline()),
        }
    }

    /// Asks. One piece of evidence for each operation, in a fixed order.
    pub(super) async fn ask(&self, questions: Questions) -> BucketAccess {
        let (access, write) = tokio::join!(self.reads(questions), async {
            if questions.write {
                Some(write::ask(self).await)
            } else {
                None
            }
        });
        access.with(write)
    }

    async fn reads(&self, questions: Questions) -> BucketAccess {
        if !questions.list && !questions.read {
            return BucketAccess::default();
        }
        let (whole, packages) = tokio::join!(self.list(""), self.list(PACKAGES));
        let listed = |listing: &Result<Listing, Failure>| match listing {
            Ok(_) => (Some(true), "S3 listed it.".to_owned()),
            Err(failure) => self.judge(failure, verdict),
        };
        let (of_whole, of_packages) = (listed(&whole), listed(&packages));
        let is_other = of_packages.0.is_some() && of_packages.0 != of_whole.0;
        let mut evidence = vec![self.s3_said(Operation::List, "ListObjectsV2".to_owned(), of_whole)];
        if is_other {
            let method = format!("ListObjectsV2 prefix={PACKAGES}");
            evidence.push(self.s3_said(Operation::ListPackages, method, of_packages));
        }
        let is_missing = is_missing(&whole);
        if questions.read {
            evidence.push(self.read(whole, packages).await);
        }
        if is_missing {
            BucketAccess::of_nothing(evidence)
        } else {
            BucketAccess::new(evidence)
        }
    }

    async fn list(&self, prefix: &str) -> Result<Listing, Failure> {
        let query = ListingQuery {
            prefix: prefix.to_owned(),
            max_keys: KEYS,
            ..ListingQuery::default()
        };
        self.within(self.s3.list_objects(self.bucket, &query)).await
    }

    /// Reads a byte of a key that the listings show; where there is no listing, of a key that is likely.
    async fn read(&self, whole: Result<Listing, Failure>, packages: Result<Listing, Failure>) -> Evidence {
        if let Err(failure) = &whole
            && (is_missing(&whole) || matches!(failure, Failure::Late))
        {
            return self.unread(self.judge(failure, verdict));
        }
        let keys = usable_keys(&whole).or_else(|| usable_keys(&packages));
        match keys {
            Some((first, last)) => {
                let said = self.read_key(&first, verdict).await;
                if said.result == Some(true) || last == first {
                    return said;
                }
                let other = self.read_key(&last, verdict).await;
                // Rights may differ by key: one that may be read is enough, and a refusal says more than no answer.
                if other.result == Some(true) || said.result.is_none() {
                    other
                } else {
                    said
                }
            }
            None if whole.is_ok() => self.unread((None, "The bucket shows no key that could be read.".to_owned())),
            None => {
                let [first, second] = LIKELY_KEYS;
                let said = self.read_likely(first).await;
                if said.result == Some(true) {
                    said
                } else {
                    self.read_likely(second).await
                }
            }
        }
    }

    async fn read_likely(&self, key: &str) -> Evidence {
        match key.parse() {
            Ok(key) => self.read_key(&key, verdict_on_guess).await,
            Err(problem) => self.unread((None, problem)),
        }
    }

    async fn read_key(&self, key: &ObjectKey, judge: fn(&Session, &S3Error) -> Verdict) -> Evidence {
        let object = ObjectUri::latest(self.bucket.clone(), key.clone());
        let said = match self.within(self.s3.get_range(&object, 0, 1)).await {
            Ok(_) => (Some(true), "S3 gave a byte of it.".to_owned()),
            Err(failure) => self.judge(&failure, judge),
        };
        self.s3_said(Operation::Read, format!("GetObject Range=bytes=0-0 of {object}"), said)
    }

    fn unread(&self, said: Verdict) -> Evidence {
        self.s3_said(Operation::Read, "no key to read; ListObjectsV2".to_owned(), said)
    }

    /// Waits for S3 as long as this bucket may take.
    async fn within<T>(&self, asked: impl Future<Output = Result<T, S3Error>>) -> Result<T, Failure> {
        match tokio::time::timeout_at(self.until, asked).await {
            Ok(answer) => answer.map_err(Failure::S3),
            Err(_elapsed) => Err(Failure::Late),
        }
    }

    pub(super) fn judge(&self, failure: &Failure, judge: fn(&Session, &S3Error) -> Verdict) -> Verdict {
        match failure {
            Failure::S3(error) => judge(self.session, error),
            Failure::Late => (None, self.late()),
        }
    }

    /// The reason of a question that nobody answered.
    pub(super) fn late(&self) -> String {
        let given = self.until.saturating_duration_since(self.began).as_secs_f32();
        format!(
            "S3 did not answer about {} within the {given:.1} seconds that there were for it.",
            self.bucket
        )
    }

    pub(super) fn s3_said(&self, operation: Operation, method: String, said: Verdict) -> Evidence {
        let (result, detail) = said;
        Evidence {
            operation,
            result,
            method,
            asked_of: Witness::S3,
            detail,
            at: self.now(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.session.clock().now()
    }
}

/// S3 says that there is no such bucket.
fn is_missing(listing: &Result<Listing, Failure>) -> bool {
    matches!(listing, Err(Failure::S3(error)) if error.kind == S3ErrorKind::NoSuchBucket)
}

/// The first and the last key of a listing.
fn usable_keys(listing: &Result<Listing, Failure>) -> Option<(ObjectKey, ObjectKey)> {
    let objects = &listing.as_ref().ok()?.objects;
    let keys: Vec<ObjectKey> = objects.iter().filter_map(|object| object.key.parse().ok()).collect();
    Some((keys.first()?.clone(), keys.last()?.clone()))
}
