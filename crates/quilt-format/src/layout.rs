//! Object keys of a package registry: layout V1 of quilt3 (`backends/base.py`, `PackageRegistryV1`).
//!
//! A registry is a bucket with manifests under `.quilt/packages/`, named by their top hashes, and pointers under
//! `.quilt/named_packages/`, whose objects contain a top hash. The name of a package occurs only in the keys of its
//! pointers.

use super::{PackageName, TopHash};

/// The key of a bucket's workflow configuration.
pub const WORKFLOWS_CONFIG: &str = ".quilt/workflows/config.yml";

const MANIFESTS: &str = ".quilt/packages/";
const POINTERS: &str = ".quilt/named_packages/";

/// A pointer to a revision of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pointer {
    /// A revision, named by the Unix time in seconds at which it was pushed.
    Revision(u64),
    /// The latest revision.
    Latest,
}

/// The kind of a pointer that exists, by its key alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PointerKind<'a> {
    /// `latest`.
    Latest,
    /// A revision, named by a time of exactly ten digits. Quilt's services accept no other number of digits (`pkgevents`).
    Revision(u64),
    /// Any other name: a tag, such as `v1.0`, or the time of another tool, such as `1571234567.123`.
    Tag(&'a str),
    /// No pointer: the key of a folder, or one in a deeper folder.
    Other,
}

/// Digits of a pointer that is a time.
const TIME_DIGITS: usize = 10;
/// The last second that has a pointer.
pub const MAX_SECONDS: u64 = 9_999_999_999;

/// Returns the key of a manifest.
#[must_use]
pub fn manifest(top_hash: &TopHash) -> String {
    format!("{MANIFESTS}{top_hash}")
}

/// Returns the provisional key of a manifest that is being written. No client takes it for a manifest, because `id` is no
/// top hash.
#[must_use]
pub fn staged_manifest(id: &str) -> String {
    format!("{MANIFESTS}staged-{id}")
}

/// Returns the key prefix of all manifests whose top hash starts with `prefix`.
#[must_use]
pub fn manifests(prefix: &str) -> String {
    format!("{MANIFESTS}{prefix}")
}

/// Returns the top hash in a manifest's key, or `None` for other keys, such as the Parquet files of older tools.
#[must_use]
pub fn manifest_at(key: &str) -> Option<TopHash> {
    let name = key.strip_prefix(MANIFESTS)?;
    if name.len() == 64 { name.parse().ok() } else { None }
}

/// Returns the key of a pointer. Its object must contain the 64 digits of a top hash without a newline, because quilt3 does
/// not strip the content of `latest`.
#[must_use]
pub fn pointer(name: &PackageName, pointer: Pointer) -> String {
    match pointer {
        Pointer::Revision(seconds) => format!("{POINTERS}{name}/{seconds:0TIME_DIGITS$}"),
        Pointer::Latest => format!("{POINTERS}{name}/latest"),
    }
}

/// Returns the key prefix of all pointers of a package.
#[must_use]
pub fn pointers(name: &PackageName) -> String {
    format!("{POINTERS}{name}/")
}

/// Returns the key prefix of all pointers of the packages whose name starts with `prefix`.
#[must_use]
pub fn packages(prefix: &str) -> String {
    format!("{POINTERS}{prefix}")
}

/// Returns the key of the pointer that has this name, such as a tag.
#[must_use]
pub fn tag(name: &PackageName, tag: &str) -> String {
    format!("{POINTERS}{name}/{tag}")
}

/// Returns the kind of a key that starts with [`pointers`] of this package.
#[must_use]
pub fn pointer_kind<'a>(name: &PackageName, key: &'a str) -> PointerKind<'a> {
    let pointer = key.strip_prefix(&pointers(name)).unwrap_or_default();
    match pointer {
        "latest" => PointerKind::Latest,
        _ if pointer.is_empty() || pointer.contains('/') => PointerKind::Other,
        _ if pointer.len() == TIME_DIGITS && pointer.bytes().all(|b| b.is_ascii_digit()) => {
            pointer.parse().map_or(PointerKind::Tag(pointer), PointerKind::Revision)
        }
        _ => PointerKind::Tag(pointer),
    }
}

/// Returns the key under which an entry's object is stored when it is copied into the package's bucket.
#[must_use]
pub fn data(name: &PackageName, logical_key: &super::LogicalKey) -> String {
    format!("{name}/{logical_key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_quilt3() {
        let name: PackageName = "team/pkg".parse().unwrap();
        let hash: TopHash = "fa8109a416742b6c390d2f86036d1aad331391040bb128c18649a5857e354c91\n"
            .parse()
            .unwrap();
        assert_eq!(manifest(&hash), format!(".quilt/packages/{hash}"));
        assert_eq!(manifest_at(&manifest(&hash)), Some(hash));
        assert_eq!(manifest_at(".quilt/packages/1220abc.parquet"), None);
        assert_eq!(
            pointer(&name, Pointer::Revision(1_795_404_721)),
            ".quilt/named_packages/team/pkg/1795404721"
        );
        assert_eq!(pointer(&name, Pointer::Latest), ".quilt/named_packages/team/pkg/latest");
        assert_eq!(data(&name, &"dir/a.csv".parse().unwrap()), "team/pkg/dir/a.csv");
    }
    #[test]
    fn only_ten_digits_are_a_time() {
        let name: PackageName = "team/pkg".parse().unwrap();
        for (pointer, kind) in [
            ("latest", PointerKind::Latest),
            ("1600000000", PointerKind::Revision(1_600_000_000)),
            ("0000000001", PointerKind::Revision(1)),
            ("1", PointerKind::Tag("1")),
            ("16000000000", PointerKind::Tag("16000000000")),
            ("1571234567.123", PointerKind::Tag("1571234567.123")),
            ("+600000000", PointerKind::Tag("+600000000")),
            ("v1.0", PointerKind::Tag("v1.0")),
            ("", PointerKind::Other),
            ("er/latest", PointerKind::Other),
            ("er/", PointerKind::Other),
        ] {
            assert_eq!(pointer_kind(&name, &tag(&name, pointer)), kind, "{pointer}");
        }
        for second in [1, 1_600_000_000, MAX_SECONDS] {
            let key = pointer(&name, Pointer::Revision(second));
            assert_eq!(pointer_kind(&name, &key), PointerKind::Revision(second));
        }
    }
}
