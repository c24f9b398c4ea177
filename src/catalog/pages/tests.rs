use proptest::prelude::*;

use super::*;

fn links(base: &str) -> CatalogLinks {
    CatalogLinks::new(base.parse().unwrap())
}

#[test]
fn urls_are_those_of_the_catalogs_routes() {
    let catalog = links("https://c.example.com");
    let bucket = || "b-one".to_owned();
    let name = || "team/pkg".to_owned();
    let package = |revision: Option<&str>, path: Option<&str>| CatalogPage::Package {
        bucket: bucket(),
        name: name(),
        revision: revision.map(str::to_owned),
        path: path.map(str::to_owned),
    };
    for (page, path) in [
        (CatalogPage::Home, "/"),
        (CatalogPage::Bucket { bucket: bucket() }, "/b/b-one"),
        (
            CatalogPage::object("b-one", "a b/ü#?.csv", None),
            "/b/b-one/tree/a%20b/%C3%BC%23%3F.csv",
        ),
        (
            CatalogPage::object("b-one", "a", Some("v1")),
            "/b/b-one/tree/a?version=v1",
        ),
        (CatalogPage::object("b-one", "a//b/", None), "/b/b-one/tree/a//b/"),
        (CatalogPage::PackageList { bucket: bucket() }, "/b/b-one/packages/"),
        (package(None, None), "/b/b-one/packages/team/pkg"),
        (package(Some("abc123"), None), "/b/b-one/packages/team/pkg/tree/abc123"),
        (
            package(None, Some("d/a b")),
            "/b/b-one/packages/team/pkg/tree/latest/d/a%20b",
        ),
        (
            CatalogPage::Revisions {
                bucket: bucket(),
                name: name(),
            },
            "/b/b-one/packages/team/pkg/revisions",
        ),
        (
            CatalogPage::Comparison {
                bucket: bucket(),
                name: name(),
                base: "abc123".to_owned(),
                other: Some("def456".to_owned()),
            },
            "/b/b-one/packages/team/pkg/compare/abc123/def456/",
        ),
        (
            CatalogPage::Search {
                parameters: vec![("q".to_owned(), "a b".to_owned()), ("t".to_owned(), "o".to_owned())],
            },
            "/search?q=a+b&t=o",
        ),
        (
            CatalogPage::Query {
                bucket: None,
                workgroup: "w g".to_owned(),
                query_id: "id".to_owned(),
            },
            "/queries/athena/w%20g/id",
        ),
        (
            CatalogPage::Query {
                bucket: Some(bucket()),
                workgroup: "wg".to_owned(),
                query_id: "id".to_owned(),
            },
            "/b/b-one/queries/athena/wg/id",
        ),
        (
            CatalogPage::QueryEditor {
                bucket: Some(bucket()),
                table: Some("t".to_owned()),
            },
            "/queries/athena?bucket=b-one&table=t",
        ),
    ] {
        let url = catalog.url(&page).unwrap();
        assert_eq!(url, format!("https://c.example.com{path}"));
        assert_eq!(catalog.page_at(&url), Ok((page, true)), "{url}");
    }
    for dots in ["a/../b", "./a", "..", "a/."] {
        assert_eq!(catalog.url(&CatalogPage::object("b-one", dots, None)), None, "{dots}");
    }
}

#[test]
fn older_forms_and_pages_around_them_are_read() {
    let catalog = links("https://c.example.com/stack");
    let package = CatalogPage::Package {
        bucket: "b-one".to_owned(),
        name: "team/pkg".to_owned(),
        revision: None,
        path: None,
    };
    for (path, page) in [
        ("", CatalogPage::Home),
        (
            "/b/b-one/",
            CatalogPage::Bucket {
                bucket: "b-one".to_owned(),
            },
        ),
        (
            "/b/b-one/packages",
            CatalogPage::PackageList {
                bucket: "b-one".to_owned(),
            },
        ),
        ("/b/b-one/packages/team/pkg/tree/latest/", package.clone()),
        ("/b/b-one/packages/team/pkg/add?x=s3%3A%2F%2Fb%2Fk", package.clone()),
        (
            "/uri/quilt%2Bs3%3A%2F%2Fb-one%23package%3Dteam%2Fpkg%3Alatest",
            package.clone(),
        ),
        ("/redir/quilt%2Bs3%3A%2F%2Fb-one%23package%3Dteam%2Fpkg", package),
        (
            "/b/b-one/search?q=x",
            CatalogPage::Search {
                parameters: vec![("q".to_owned(), "x".to_owned()), ("b".to_owned(), "b-one".to_owned())],
            },
        ),
        (
            "/b/b-one/tree/a/?prefix=b",
            CatalogPage::Prefix {
                bucket: "b-one".to_owned(),
                prefix: "a/b".to_owned(),
            },
        ),
        (
            "/b/b-one/queries/athena",
            CatalogPage::QueryEditor {
                bucket: Some("b-one".to_owned()),
                table: None,
            },
        ),
        ("/b/b-one/queries/es", CatalogPage::Other),
        ("/b/b-one/packages/team", CatalogPage::Other),
        ("/admin/buckets", CatalogPage::Other),
    ] {
        let url = format!("http://C.example.com/stack{path}");
        assert_eq!(catalog.page_at(&url), Ok((page, true)), "{url}");
    }
    for elsewhere in [
        "https://c.example.com/stacks/b/x",
        "https://c.example.com:8443/stack/b/x",
        "https://d.org/b/x",
    ] {
        assert!(!catalog.page_at(elsewhere).unwrap().1, "{elsewhere}");
    }
    assert_eq!(
        catalog.page_at("https://c.example.com/stack/b/b/tree/%FF"),
        Err(InvalidPage::NoText)
    );
    for bad in ["", "b/x", "ftp://c.example.com/stack"] {
        assert_eq!(catalog.page_at(bad), Err(InvalidPage::NoUrl), "{bad}");
    }
}

/// Keys with what URLs treat in a way of their own.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{1,40}",
        "[ %#?+&=/.a2eFü:@;\\\\'\"\\[\\]|^\t\n]{1,20}",
        "(\\.\\.|%2e|%2F|//|a|\\+){1,8}",
    ]
}

fn page() -> impl Strategy<Value = CatalogPage> {
    let text = || {
        "[^/]{1,20}".prop_filter("a segment that is not resolved", |text| {
            !matches!(text.as_str(), "." | "..")
        })
    };
    let name = || (text(), text()).prop_map(|(namespace, name)| format!("{namespace}/{name}"));
    let hash = || proptest::option::of("[0-9a-f]{6,64}");
    prop_oneof![
        (key(), proptest::option::of(".{1,20}")).prop_map(|(key, version)| CatalogPage::object(
            "b-one",
            &key,
            version.as_deref()
        )),
        (name(), hash(), proptest::option::of(key())).prop_map(|(name, revision, path)| CatalogPage::Package {
            bucket: "b-one".to_owned(),
            name,
            revision,
            path,
        }),
        (name(), text(), hash()).prop_map(|(name, base, other)| CatalogPage::Comparison {
            bucket: "b-one".to_owned(),
            name,
            base,
            other,
        }),
        (text(), text(), any::<bool>()).prop_map(|(workgroup, query_id, is_old)| CatalogPage::Query {
            bucket: is_old.then(|| "b-one".to_owned()),
            workgroup,
            query_id,
        }),
        proptest::collection::vec((".{1,8}", ".{0,20}"), 0..4)
            .prop_map(|parameters| CatalogPage::Search { parameters }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Reading a link gives what it was made of, or there is no link.
    #[test]
    fn a_link_is_read_back(page in page(), base in prop_oneof!["https://c\\.example\\.com", "http://127\\.0\\.0\\.1:8080/a b"]) {
        let catalog = links(&base);
        if let Some(url) = catalog.url(&page) {
            prop_assert_eq!(catalog.page_at(&url), Ok((page, true)), "{}", url);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "https?://[a-z:/?#&=%.]{0,60}") {
        let _ = links("https://c.example.com").page_at(&text);
    }
}
