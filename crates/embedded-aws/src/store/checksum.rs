//! Digests of object data: the MD5 of the entity tag, and the checksum that S3 keeps for each object and part. Also combines
//! the digests of parts into that of the object.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, checksum_combine};
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto;

use super::payload::Payload;

/// A checksum algorithm of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().as_str() {
            "CRC32" => Self::Crc32,
            "CRC32C" => Self::Crc32c,
            "CRC64NVME" => Self::Crc64Nvme,
            "SHA1" => Self::Sha1,
            "SHA256" => Self::Sha256,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub fn dto(self) -> dto::ChecksumAlgorithm {
        dto::ChecksumAlgorithm::from_static(self.name())
    }

    pub fn hasher(self) -> ChecksumHasher {
        let mut hasher = ChecksumHasher::default();
        match self {
            Self::Crc32 => hasher.crc32 = Some(Crc32::new()),
            Self::Crc32c => hasher.crc32c = Some(Crc32c::new()),
            Self::Crc64Nvme => hasher.crc64nvme = Some(Crc64Nvme::new()),
            Self::Sha1 => hasher.sha1 = Some(Sha1::new()),
            Self::Sha256 => hasher.sha256 = Some(Sha256::new()),
        }
        hasher
    }

    /// Returns this algorithm's value among those of a request or response.
    pub fn value_in(self, values: &dto::Checksum) -> Option<&str> {
        match self {
            Self::Crc32 => values.checksum_crc32.as_deref(),
            Self::Crc32c => values.checksum_crc32c.as_deref(),
            Self::Crc64Nvme => values.checksum_crc64nvme.as_deref(),
            Self::Sha1 => values.checksum_sha1.as_deref(),
            Self::Sha256 => values.checksum_sha256.as_deref(),
        }
    }

    /// Returns the CRC and its width in bytes, if the algorithm is one.
    fn crc(self) -> Option<(CrcAlgorithm, usize)> {
        match self {
            Self::Crc32 => Some((CrcAlgorithm::Crc32IsoHdlc, 4)),
            Self::Crc32c => Some((CrcAlgorithm::Crc32Iscsi, 4)),
            Self::Crc64Nvme => Some((CrcAlgorithm::Crc64Nvme, 8)),
            Self::Sha1 | Self::Sha256 => None,
        }
    }
}

/// The checksum of an object or part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checksum {
    pub algorithm: Algorithm,
    /// The value in Base64, followed by `-N` when it is a checksum of the checksums of N parts.
    pub value: String,
    pub composite: bool,
}

impl Checksum {
    pub fn type_name(&self) -> &'static str {
        if self.composite {
            dto::ChecksumType::COMPOSITE
        } else {
            dto::ChecksumType::FULL_OBJECT
        }
    }

    /// Converts a checksum to the fields of a response; without a checksum, none is set.
    pub fn to_dto(checksum: Option<&Self>) -> dto::Checksum {
        let mut out = dto::Checksum::default();
        let Some(checksum) = checksum else { return out };
        let value = Some(checksum.value.clone());
        match checksum.algorithm {
            Algorithm::Crc32 => out.checksum_crc32 = value,
            Algorithm::Crc32c => out.checksum_crc32c = value,
            Algorithm::Crc64Nvme => out.checksum_crc64nvme = value,
            Algorithm::Sha1 => out.checksum_sha1 = value,
            Algorithm::Sha256 => out.checksum_sha256 = value,
        }
        out.checksum_type = Some(dto::ChecksumType::from_static(checksum.type_name()));
        out
    }
}

/// Computes in one pass the MD5 and the checksum of data, and for a part of an upload without an algorithm also its CRC-64.
pub(crate) struct Digester {
    md5: Md5,
    algorithm: Algorithm,
    hasher: ChecksumHasher,
    crc64: Option<Crc64Nvme>,
}

/// The result of a [`Digester`].
#[derive(Debug, Clone)]
pub(crate) struct Digests {
    pub md5: [u8; 16],
    /// `None` for synthetic data, which is not hashed.
    pub checksum: Option<Checksum>,
    crc64: Option<Checksum>,
}

impl Digests {
    /// Returns the CRC-64 of the data, if it was computed.
    pub fn crc64(&self) -> Option<&Checksum> {
        let own = self
            .checksum
            .as_ref()
            .filter(|checksum| checksum.algorithm == Algorithm::Crc64Nvme);
        own.or(self.crc64.as_ref())
    }

    pub fn etag(&self) -> String {
        hex(&self.md5)
    }
}

impl Digester {
    pub fn new(algorithm: Algorithm, also_crc64: bool) -> Self {
        let crc64 = (also_crc64 && algorithm != Algorithm::Crc64Nvme).then(Crc64Nvme::new);
        Self {
            md5: Md5::new(),
            algorithm,
            hasher: algorithm.hasher(),
            crc64,
        }
    }

    pub fn update(&mut self, data: &[u8]) {
        self.md5.update(data);
        self.hasher.update(data);
        if let Some(crc64) = &mut self.crc64 {
            crc64.update(data);
        }
    }

    pub fn finish(self) -> Digests {
        let values = self.hasher.finalize();
        let value = self.algorithm.value_in(&values).unwrap_or_default().to_owned();
        let crc64 = self.crc64.map(|crc64| Checksum {
            algorithm: Algorithm::Crc64Nvme,
            value: STANDARD.encode(crc64.finalize()),
            composite: false,
        });
        Digests {
            md5: self.md5.finalize(),
            checksum: Some(Checksum {
                algorithm: self.algorithm,
                value,
                composite: false,
            }),
            crc64,
        }
    }
}

/// Computes the digests of stored data. Synthetic data is not read: its entity tag is derived from its length.
pub(crate) fn digest(algorithm: Algorithm, payload: &Payload) -> Digests {
    if payload.is_synthetic() {
        let md5 = Md5::checksum(format!("synthetic {}", payload.len()).as_bytes());
        return Digests {
            md5,
            checksum: None,
            crc64: None,
        };
    }
    let mut digester = Digester::new(algorithm, true);
    payload.stream().for_each(|chunk| digester.update(&chunk));
    digester.finish()
}

/// Encodes bytes in lower-case hexadecimal, as in an entity tag.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            for nibble in [byte >> 4, byte & 15] {
                out.extend(char::from_digit(u32::from(nibble), 16));
            }
            out
        })
}

/// Returns the entity tag of a completed upload: the MD5 of its parts' MD5s, and the number of parts.
pub(crate) fn multipart_etag(parts: &[[u8; 16]]) -> String {
    format!("{}-{}", hex(&Md5::checksum(parts.concat().as_slice())), parts.len())
}

/// Returns the checksum of the parts' checksums, or `None` if one of them has another algorithm.
pub(crate) fn composite(algorithm: Algorithm, parts: &[&Checksum]) -> Option<Checksum> {
    let mut hasher = algorithm.hasher();
    for part in parts {
        hasher.update(&raw(algorithm, part)?);
    }
    let values = hasher.finalize();
    let value = format!("{}-{}", algorithm.value_in(&values)?, parts.len());
    Some(Checksum {
        algorithm,
        value,
        composite: true,
    })
}

/// Returns the checksum of the whole object from the checksums and lengths of its parts, or `None` if the algorithm is not
/// a CRC.
pub(crate) fn full_object(algorithm: Algorithm, parts: &[(&Checksum, u64)]) -> Option<Checksum> {
    let (crc, width) = algorithm.crc()?;
    let mut whole = None;
    for (part, len) in parts {
        let bytes = raw(algorithm, part)?;
        let value = bytes.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        whole = Some(whole.map_or(value, |before| checksum_combine(crc, before, value, *len)));
    }
    let bytes = whole?.to_be_bytes();
    let value = STANDARD.encode(bytes.get(bytes.len() - width..)?);
    Some(Checksum {
        algorithm,
        value,
        composite: false,
    })
}

fn raw(algorithm: Algorithm, checksum: &Checksum) -> Option<Vec<u8>> {
    if checksum.algorithm != algorithm {
        return None;
    }
    STANDARD.decode(&checksum.value).ok()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn digests(algorithm: Algorithm, data: &[u8]) -> Digests {
        digest(algorithm, &Payload::stored(vec![Bytes::copy_from_slice(data)]))
    }

    fn of(algorithm: Algorithm, data: &[u8]) -> Checksum {
        digests(algorithm, data).checksum.unwrap()
    }

    #[test]
    fn knows_published_values() {
        assert_eq!(of(Algorithm::Crc64Nvme, b"hello").value, "M3eFcAZSQlc=");
        assert_eq!(
            digests(Algorithm::Sha1, b"hello").etag(),
            "5d41402abc4b2a76b9719d911017c592"
        );
        assert_eq!(
            of(Algorithm::Crc32c, b"123456789").value,
            STANDARD.encode(0xE306_9283_u32.to_be_bytes())
        );
    }

    #[test]
    fn parts_make_the_whole() {
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let a = of(algorithm, b"hello");
            let b = of(algorithm, b" ");
            let c = of(algorithm, b"world");
            let whole = full_object(algorithm, &[(&a, 5), (&b, 1), (&c, 5)]).unwrap();
            assert_eq!(whole, of(algorithm, b"hello world"));
        }
        assert_eq!(
            full_object(Algorithm::Sha256, &[(&of(Algorithm::Sha256, b"x"), 1)]),
            None
        );
    }

    #[test]
    fn composite_hashes_the_parts_hashes() {
        let (a, b) = (of(Algorithm::Sha256, b"a"), of(Algorithm::Sha256, b"b"));
        let joined: Vec<u8> = [&a, &b]
            .iter()
            .flat_map(|part| STANDARD.decode(&part.value).unwrap())
            .collect();
        let expected = of(Algorithm::Sha256, &joined).value;
        let made = composite(Algorithm::Sha256, &[&a, &b]).unwrap();
        assert_eq!((made.value, made.composite), (format!("{expected}-2"), true));
        assert_eq!(composite(Algorithm::Sha256, &[&of(Algorithm::Crc32, b"a")]), None);
        assert_eq!(multipart_etag(&[[0; 16]]).len(), 34);
    }
}
