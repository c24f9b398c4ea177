//! Selection of the probes of a bucket.

/// The operations that S3 is asked about. A probe of reading needs a key, so it lists the bucket too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeSet {
    pub list: bool,
    pub read: bool,
    /// Only if the caller requests it, because the probe opens an upload.
    pub write: bool,
}

impl ProbeSet {
    /// The probes that run without a request of the caller.
    pub const READS: Self = Self {
        list: true,
        read: true,
        write: false,
    };
}
