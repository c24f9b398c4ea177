use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

const MIB: u64 = 1024 * 1024;

fn hash(kind: HashKind, bytes: &[u8], piece: usize) -> String {
    let mut hasher = ObjectHasher::new(kind, bytes.len() as u64);
    for piece in bytes.chunks(piece.max(1)) {
        hasher.update(piece);
    }
    hasher.finish().unwrap().value
}

/// The values are those of `tests/fixtures/quilt3/hash_kinds`.
#[test]
fn the_three_kinds_are_those_of_quilt3() {
    for (kind, bytes, value) in [
        (
            HashKind::Sha256Chunked,
            &b"hello"[..],
            "lZXJ35AHUUjrBoYDZd8zWEt1v/eCpRDGzUiDpBmDPVA=",
        ),
        (
            HashKind::Sha256Chunked,
            b"",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        ),
        (HashKind::Crc64Nvme, b"hello", "M3eFcAZSQlc="),
        (HashKind::Crc64Nvme, b"", "AAAAAAAAAAA="),
        (
            HashKind::Sha256,
            b"hello",
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        ),
    ] {
        assert_eq!(hash(kind, bytes, 2), value, "{kind}");
    }
}

#[test]
fn chunks_double_when_there_would_be_more_than_ten_thousand() {
    for (size, chunk) in [
        (0, 8),
        (8 * MIB, 8),
        (80_000 * MIB, 8),
        (80_000 * MIB + 1, 16),
        (160_000 * MIB, 16),
        (160_000 * MIB + 1, 32),
        (50 * 1024 * 1024 * MIB, 8192),
    ] {
        assert_eq!(chunk_size(size), chunk * MIB, "{size}");
    }
    assert!(chunk_size(u64::MAX) > 0);
}

#[test]
fn another_size_than_was_said_is_an_error() {
    let mut hasher = ObjectHasher::new(HashKind::Sha256Chunked, 3);
    hasher.update(b"ab");
    assert_eq!(hasher.finish(), Err(SizeMismatch { expected: 3, got: 2 }));
}

#[test]
fn checksums_of_s3_are_used_when_they_are_of_the_same_chunks() {
    let encode = |digest: &[u8]| BASE64_STANDARD.encode(digest);
    for bytes in [&b""[..], b"hello"] {
        let reused = from_sha256(bytes.len() as u64, &encode(&Sha256::digest(bytes)), None).unwrap();
        assert_eq!(reused.value, hash(HashKind::Sha256Chunked, bytes, 10));
    }
    let digest = encode(&[7; 32]);
    let composite = |parts: u64| format!("{digest}-{parts}");
    let (size, chunk) = (17 * MIB, 8 * MIB);
    assert_eq!(
        from_sha256(size, &composite(3), Some(&[chunk, chunk, MIB]))
            .unwrap()
            .value,
        digest
    );
    assert_eq!(from_sha256(chunk, &composite(1), Some(&[chunk])).unwrap().value, digest);
    for (size, checksum, parts) in [
        (size, composite(3), None),
        (size, digest.clone(), None),
        (size, composite(2), Some(&[chunk, chunk, MIB][..])),
        (size, composite(3), Some(&[chunk, MIB, chunk])),
        (size, composite(2), Some(&[16 * MIB, MIB])),
        (size, composite(2), Some(&[chunk, chunk])),
        (5, composite(1), None),
        (5, "AAAA".to_owned(), None),
    ] {
        assert_eq!(from_sha256(size, &checksum, parts), None, "{size} {checksum} {parts:?}");
    }
    assert_eq!(from_crc64nvme("M3eFcAZSQlc=").unwrap().value, "M3eFcAZSQlc=");
    assert_eq!(from_crc64nvme("AAAA"), None);
}

#[test]
fn hashes_of_manifests_are_read() {
    let hash = ObjectHash {
        kind: HashKind::Crc64Nvme,
        value: "M3eFcAZSQlc=".into(),
    };
    assert_eq!(ObjectHash::read(&hash.to_value()), Ok(hash));
    let md5 = crate::json::parse(r#"{"type": "MD5", "value": "x"}"#).unwrap();
    assert_eq!(ObjectHash::read(&md5), Err(UnknownHash::Kind("MD5".into())));
    assert_eq!(ObjectHash::read(&Value::Null), Err(UnknownHash::Shape));
}

proptest! {
    #[test]
    fn how_bytes_come_in_makes_no_difference(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1usize..50) {
        for kind in [HashKind::Sha256Chunked, HashKind::Crc64Nvme, HashKind::Sha256] {
            prop_assert_eq!(hash(kind, &bytes, piece), hash(kind, &bytes, 1000));
        }
    }
}

#[test]
fn chunks_that_are_hashed_one_by_one_give_the_same() {
    for size in [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 17 * MIB] {
        let bytes = vec![7; usize::try_from(size).unwrap()];
        let digests: Vec<ChunkDigest> = chunks(size)
            .map(|(first, last)| {
                let mut chunk = ChunkHasher::default();
                chunk.update(&bytes[usize::try_from(first).unwrap()..=usize::try_from(last).unwrap()]);
                chunk.finish()
            })
            .collect();
        assert_eq!(
            from_chunks(&digests).value,
            hash(HashKind::Sha256Chunked, &bytes, 1 << 20),
            "{size}"
        );
    }
    assert_eq!(chunk_digest(&BASE64_STANDARD.encode([7; 32])), Some([7; 32]));
    assert_eq!(chunk_digest("AAAA"), None);
}
