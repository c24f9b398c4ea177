//! Fuzz target for manifests: hashing in one piece and in several must agree, and a manifest that can be written must have
//! the same top hash when it is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quilt_format::manifest::{Manifest, ManifestHasher};

fn hash(bytes: &[u8], step: usize) -> Option<String> {
    let mut hasher = ManifestHasher::sorting();
    for piece in bytes.chunks(step) {
        hasher.push(piece).ok()?;
    }
    Some(hasher.finish().ok()?.top_hash.to_string())
}

fuzz_target!(|bytes: &[u8]| {
    let whole = hash(bytes, bytes.len().max(1));
    assert_eq!(whole, hash(bytes, 7));
    let Ok(manifest) = Manifest::read(bytes) else { return };
    let read = manifest.top_hash().ok().map(|hash| hash.to_string());
    assert_eq!(whole, read);
    if let Ok((written, top_hash)) = manifest.write() {
        assert_eq!(Some(top_hash.to_string()), read);
        assert_eq!(hash(&written, 4096), read);
    }
});
