//! Package URIs (`quilt+s3://`), as the catalog shows and links them.
//!
//! The grammar is that of the catalog (`docs/Catalog/URI.md`, `catalog/app/utils/PackageUri.ts`):
//! `quilt+s3://bucket#package=namespace/name[@hash|:tag][&path=…][&catalog=host]`.

use std::fmt;
use std::str::FromStr;

use super::PackageName;
use crate::percent;

/// A URI of a package, of one of its revisions, or of a path in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuiltUri {
    /// The bucket whose registry contains the package.
    pub bucket: String,
    /// The name of the package.
    pub name: PackageName,
    /// The revision that is referred to.
    pub revision: Revision,
    /// A logical key or a directory in the package.
    pub path: Option<String>,
    /// The host name of the catalog that created the URI.
    pub catalog: Option<String>,
}

/// A reference to a revision of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// No revision is named, which means the latest.
    Unspecified,
    /// `@hash`: a top hash or a prefix of one.
    Hash(String),
    /// `:tag`: the name of a pointer, such as `latest`.
    Tag(String),
}

/// Occurs when a string is not a `quilt+s3` URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a package URI: {0}; expected quilt+s3://bucket#package=namespace/name[@hash|:tag][&path=…]")]
pub struct InvalidQuiltUri(&'static str);

impl FromStr for QuiltUri {
    type Err = InvalidQuiltUri;

    fn from_str(text: &str) -> Result<Self, InvalidQuiltUri> {
        let (scheme, rest) = text
            .trim()
            .split_once("://")
            .ok_or(InvalidQuiltUri("it has no scheme"))?;
        if !scheme.eq_ignore_ascii_case("quilt+s3") {
            return Err(InvalidQuiltUri("its scheme is not quilt+s3"));
        }
        let (bucket, fragment) = rest.split_once('#').ok_or(InvalidQuiltUri("it names no package"))?;
        if bucket.is_empty() || bucket.contains(['/', '?']) {
            return Err(InvalidQuiltUri("the registry must be a bucket without a path"));
        }
        let mut package = None;
        let mut path = None;
        let mut catalog = None;
        for pair in fragment.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let slot = match key {
                "package" => &mut package,
                "path" => &mut path,
                "catalog" => &mut catalog,
                // The catalog ignores unknown parameters.
                _ => continue,
            };
            let value =
                percent::unquote_plus(value).ok_or(InvalidQuiltUri("its percent-encoding does not decode to UTF-8"))?;
            if slot.replace(value).is_some() {
                return Err(InvalidQuiltUri("a parameter occurs twice"));
            }
        }
        let package = package.ok_or(InvalidQuiltUri("it names no package"))?;
        let (name, revision) = match (package.split_once('@'), package.split_once(':')) {
            (Some(_), Some(_)) => return Err(InvalidQuiltUri("a revision is a hash or a tag, not both")),
            (Some((name, hash)), None) => (name, Revision::Hash(hash.to_owned())),
            (None, Some((name, tag))) => (name, Revision::Tag(tag.to_owned())),
            (None, None) => (package.as_str(), Revision::Unspecified),
        };
        if let Revision::Hash(part) | Revision::Tag(part) = &revision
            && (part.is_empty() || part.contains(['@', ':']))
        {
            return Err(InvalidQuiltUri("`@` must be followed by one hash, or `:` by one tag"));
        }
        let name = PackageName::from_listing(name).map_err(|_| InvalidQuiltUri("the package has no namespace/name"))?;
        let non_empty = |value: Option<String>| value.filter(|value| !value.is_empty());
        Ok(Self {
            bucket: bucket.to_owned(),
            name,
            revision,
            path: non_empty(path),
            catalog: non_empty(catalog),
        })
    }
}

impl fmt::Display for QuiltUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The name of an existing package may contain any character, including those that separate the parts of a URI.
        let name: Vec<String> = self.name.as_str().split('/').map(percent::encode_component).collect();
        write!(f, "quilt+s3://{}#package={}", self.bucket, name.join("/"))?;
        match &self.revision {
            Revision::Unspecified => {}
            Revision::Hash(hash) => write!(f, "@{}", percent::encode_component(hash))?,
            Revision::Tag(tag) => write!(f, ":{}", percent::encode_component(tag))?,
        }
        for (key, value) in [("path", &self.path), ("catalog", &self.catalog)] {
            if let Some(value) = value {
                write!(f, "&{key}={}", percent::encode_component(value))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn uris_are_those_of_the_catalog() {
        let uri: QuiltUri = "quilt+s3://bkt#package=team/pkg@abc123&path=a%20b/50%_x%2Bü&catalog=c.example.com&x=y"
            .parse()
            .unwrap();
        assert_eq!(uri.path.as_deref(), Some("a b/50%_x+ü"));
        assert_eq!(uri.revision, Revision::Hash("abc123".into()));
        assert_eq!(
            uri.to_string(),
            "quilt+s3://bkt#package=team/pkg@abc123&path=a%20b%2F50%25_x%2B%C3%BC&catalog=c.example.com"
        );
        let uri: QuiltUri = "quilt+s3://bkt#package=team/pkg:latest&path=".parse().unwrap();
        assert_eq!((uri.revision, uri.path), (Revision::Tag("latest".into()), None));
    }

    #[test]
    fn odd_names_and_revisions_are_written_so_that_they_read_back() {
        // Found by the fuzz target: a name's own `+`, `&`, `%` or trailing space was read as something else.
        for odd in [
            "ns/nam))vet%0D+%20",
            "a/b%26path%3Dx",
            "a/b%2520",
            "a/b@%2B",
            "a/b:t%26",
        ] {
            let uri: QuiltUri = format!("quilt+s3://bkt#package={odd}").parse().unwrap();
            assert_eq!(uri.to_string().parse::<QuiltUri>(), Ok(uri));
        }
    }

    #[test]
    fn what_the_catalog_refuses_is_refused() {
        for bad in [
            "s3://bkt#package=a/b",
            "quilt+s3://bkt",
            "quilt+s3://#package=a/b",
            "quilt+s3://bkt/x#package=a/b",
            "quilt+s3://bkt#path=x",
            "quilt+s3://bkt#package=a/b@",
            "quilt+s3://bkt#package=a/b@1:2",
            "quilt+s3://bkt#package=a/b@1@2",
            "quilt+s3://bkt#package=a/b&package=c/d",
            "quilt+s3://bkt#package=@x",
            "quilt+s3://bkt#package=a/b&path=%FF",
            "quilt+s3:bkt#package=a/b",
        ] {
            assert!(bad.parse::<QuiltUri>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(path in proptest::option::of(".{1,30}"), hash in "[0-9a-f]{6,64}") {
            let name = PackageName::from_listing("team/pkg").unwrap();
            let uri = QuiltUri { bucket: "b".into(), name, revision: Revision::Hash(hash), path, catalog: None };
            prop_assert_eq!(uri.to_string().parse::<QuiltUri>(), Ok(uri));
        }

        #[test]
        fn no_text_makes_it_panic(text in "quilt\\+s3://[a-z#/=&@:%?]{0,40}") {
            let _ = text.parse::<QuiltUri>();
        }
    }
}
