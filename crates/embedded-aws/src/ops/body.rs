//! Reception of the bytes of an object or part: stored in segments of bounded size, hashed while they arrive, and compared
//! with every digest that the client sent in a header or in the trailer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use hyper::HeaderMap;
use s3s::dto::{self, StreamingBlob};
use s3s::{S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders};

use crate::error::{error, invalid_request};
use crate::store::checksum::{Algorithm, Digester, Digests};
use crate::store::payload::Payload;

/// Size of the segments into which frames are copied, so that a stored object neither retains network buffers nor requires
/// one large allocation.
const SEGMENT_BYTES: usize = 1024 * 1024;

/// The digests that a client sends with a body, or announces for its trailer.
#[derive(Default)]
pub(crate) struct DigestClaims {
    pub values: dto::Checksum,
    pub md5: Option<String>,
    /// The checksum algorithm, whether the value is in a header or in the trailer.
    pub algorithm: Option<Algorithm>,
}

impl DigestClaims {
    /// Collects the claims of a request. `values` are those of its checksum headers.
    pub fn new(headers: &HeaderMap, values: dto::Checksum, md5: Option<String>) -> S3Result<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let sent = [
            Algorithm::Crc32,
            Algorithm::Crc32c,
            Algorithm::Crc64Nvme,
            Algorithm::Sha1,
            Algorithm::Sha256,
        ];
        let mut in_header = sent
            .into_iter()
            .filter(|algorithm| algorithm.value_in(&values).is_some());
        let first = in_header.next();
        if in_header.next().is_some() {
            return Err(invalid_request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
        let announced = text("x-amz-trailer")
            .and_then(|name| Algorithm::parse(name.trim().strip_prefix("x-amz-checksum-")?))
            .or_else(|| text("x-amz-sdk-checksum-algorithm").and_then(Algorithm::parse));
        Ok(Self {
            values,
            md5,
            algorithm: first.or(announced),
        })
    }

    fn verify(&self, trailer: Option<&HeaderMap>, digests: &Digests) -> S3Result<()> {
        if let Some(md5) = &self.md5 {
            let claimed = STANDARD.decode(md5).ok().filter(|bytes| bytes.len() == 16);
            let claimed = claimed
                .ok_or_else(|| error(S3ErrorCode::InvalidDigest, "The Content-MD5 you specified was invalid."))?;
            if claimed != digests.md5 {
                let message = "The Content-MD5 you specified did not match what we received.";
                return Err(error(S3ErrorCode::BadDigest, message));
            }
        }
        let (Some(algorithm), Some(computed)) = (self.algorithm, &digests.checksum) else {
            return Ok(());
        };
        let name = algorithm.name();
        let header = format!("x-amz-checksum-{}", name.to_lowercase());
        let in_trailer = trailer
            .and_then(|trailer| trailer.get(&header))
            .and_then(|value| value.to_str().ok());
        let Some(claimed) = algorithm.value_in(&self.values).or(in_trailer) else {
            return Ok(());
        };
        let well_formed = STANDARD
            .decode(claimed)
            .is_ok_and(|raw| STANDARD.encode(raw).len() == computed.value.len());
        if !well_formed {
            return Err(invalid_request(format!("Value for {header} header is invalid.")));
        }
        if claimed == computed.value {
            return Ok(());
        }
        Err(error(
            S3ErrorCode::BadDigest,
            format!("The {name} you specified did not match the calculated checksum."),
        ))
    }
}

/// Reads a body to its end and verifies the digests that the client sent.
pub(crate) async fn receive(
    body: Option<StreamingBlob>,
    length: Option<i64>,
    trailer: Option<TrailingHeaders>,
    claims: &DigestClaims,
    also_crc64: bool,
) -> S3Result<(Payload, Digests)> {
    let mut digester = Digester::new(claims.algorithm.unwrap_or(Algorithm::Crc64Nvme), also_crc64);
    let mut expected = length.and_then(|length| usize::try_from(length).ok());
    let mut segments = Vec::new();
    let mut open = BytesMut::new();
    if let Some(mut body) = body {
        while let Some(frame) = body.next().await {
            let mut frame: Bytes = frame.map_err(|cause| body_error(&cause))?;
            digester.update(&frame);
            while !frame.is_empty() {
                if open.capacity() == 0 {
                    open.reserve(
                        expected
                            .unwrap_or(SEGMENT_BYTES)
                            .clamp(frame.len().min(SEGMENT_BYTES), SEGMENT_BYTES),
                    );
                }
                let taken = frame.split_to(frame.len().min(open.capacity() - open.len()));
                open.extend_from_slice(&taken);
                expected = expected.map(|rest| rest.saturating_sub(taken.len()));
                if open.len() == open.capacity() {
                    segments.push(std::mem::take(&mut open).freeze());
                }
            }
        }
    }
    // For a body of unknown length, the reserved segment may be much larger than needed.
    segments.push(if open.len() < open.capacity() / 2 {
        Bytes::copy_from_slice(&open)
    } else {
        open.freeze()
    });
    let digests = digester.finish();
    match trailer {
        Some(trailer) => trailer
            .read(|trailer| claims.verify(Some(trailer), &digests))
            .unwrap_or_else(|| claims.verify(None, &digests))?,
        None => claims.verify(None, &digests)?,
    }
    Ok((Payload::stored(segments), digests))
}

/// Translates an error of s3s's body stream. Its error types are private, so the message decides.
fn body_error(cause: &StdError) -> S3Error {
    let text = cause.to_string();
    if text.contains("Sha256Mismatch") {
        let code = S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into());
        let mut mismatch = error(
            code,
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
        mismatch.set_status_code(hyper::StatusCode::BAD_REQUEST);
        mismatch
    } else if text.contains("SignatureMismatch") {
        error(
            S3ErrorCode::SignatureDoesNotMatch,
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
        )
    } else {
        let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
        error(S3ErrorCode::IncompleteBody, message)
    }
}
