//! The documents that the catalog's page and this server send, of each generation of the schema, from request to hits.

use quilt_mcp::dev::{Generation, SearchFault};
use serde_json::{Value, json};

use super::Registry;

const ERRORS: &str = "...on InvalidInput{errors{path message name context}} ...on OperationError{name message context}";
const INVALID: &str = "...on InvalidInput{errors{path message name context}}";
const PACKAGE: &str = "id bucket name pointer hash score size modified totalEntriesCount comment meta workflow \
                       matchLocations{name comment meta workflow} \
                       matchingEntries{logicalKey physicalKey size meta matchLocations{logicalKey physicalKey meta contents}}";
const OBJECT: &str = "id bucket key version score size modified deleted";

fn packages(order: &str, page: &str, total: &str, errors: &str) -> String {
    format!(
        "query($b:[String!],$q:String,$f:PackagesSearchFilter,$m:[PackageUserMetaPredicate!],$l:Boolean!,$n:Int!,$o:{order}){{\
         searchPackages(buckets:$b,searchString:$q,filter:$f,userMetaFilters:$m,latestOnly:$l){{ __typename \
         ...on PackagesSearchResultSet{{ {total} {page} }} {errors} }} }}"
    )
}

pub fn p4() -> String {
    let page = format!(
        "firstPage(size:$n,ordering:$o){{ __typename ...on PackagesSearchResultSetPage{{ cursor hits{{ {PACKAGE} }} }} {ERRORS} }}"
    );
    packages("PackageOrdering", &page, "total", ERRORS)
}

pub fn p3() -> String {
    let page = format!("firstPage(size:$n,order:$o){{ cursor hits{{ {PACKAGE} }} }}");
    packages("SearchResultOrder", &page, "total", ERRORS)
}

pub fn p0() -> String {
    let hits = "id bucket name hash score size modified comment meta workflow";
    let page = format!("firstPage(size:$n,order:$o){{ cursor hits{{ {hits} }} }}");
    packages("SearchResultOrder", &page, "stats{ total }", INVALID)
}

fn objects(hits: &str, total: &str, errors: &str) -> String {
    format!(
        "query($b:[String!],$q:String,$f:ObjectsSearchFilter,$n:Int!,$o:SearchResultOrder){{\
         searchObjects(buckets:$b,searchString:$q,filter:$f){{ __typename \
         ...on ObjectsSearchResultSet{{ {total} firstPage(size:$n,order:$o){{ cursor hits{{ {hits} }} }} }} {errors} }} }}"
    )
}

pub fn o3() -> String {
    objects(&format!("{OBJECT} indexedContent"), "total", ERRORS)
}

pub fn o0() -> String {
    objects(OBJECT, "stats{ total }", INVALID)
}

pub fn mp() -> String {
    format!(
        "query($a:String!,$n:Int!){{ searchMorePackages(after:$a,size:$n){{ __typename \
         ...on PackagesSearchResultSetPage{{ cursor hits{{ {PACKAGE} }} }} {ERRORS} }} }}"
    )
}

pub fn mo() -> String {
    format!(
        "query($a:String!,$n:Int!){{ searchMoreObjects(after:$a,size:$n){{ __typename \
         ...on ObjectsSearchResultSetPage{{ cursor hits{{ {OBJECT} }} }} {ERRORS} }} }}"
    )
}

pub const FACETS: &str = "query($q:String,$p:String!){ searchPackages(searchString:$q,latestOnly:true){ __typename \
    ...on PackagesSearchResultSet{ total stats{ modified{min max} size{min max} entries{min max} workflow{values} userMetaTruncated \
    userMeta{ __typename ...on IPackageUserMetaFacet{path} ...on NumberPackageUserMetaFacet{n:extents{min max}} \
    ...on DatetimePackageUserMetaFacet{d:extents{min max}} ...on KeywordPackageUserMetaFacet{k:extents{values}} } } \
    filteredUserMetaFacets(path:$p){ __typename ...on IPackageUserMetaFacet{path} } } } }";
pub const OBJECT_FACETS: &str =
    "{ searchObjects{ ...on ObjectsSearchResultSet{ stats{ modified{min max} size{min max} ext{values} } } } }";

/// Writes a package of one entry, as another client would.
pub fn write_package(registry: &Registry, name: &str, user_meta: &Value, workflow: Option<&str>) {
    let workflow = workflow.map(|id| json!({ "id": id, "config": "s3://b/c" }));
    let mut header = json!({ "version": "v0", "user_meta": user_meta, "message": format!("About {name}") });
    if let Some(workflow) = workflow {
        header["workflow"] = workflow;
    }
    let entry = json!({
        "logical_key": "data/values.csv", "physical_keys": ["s3://quilt-dev-shared/plankton/data/measurements.csv?versionId=v"],
        "size": 10, "hash": { "type": "SHA256", "value": "00" }, "meta": { "user_meta": { "unit": "mm" } },
    });
    let hash = format!(
        "{:064x}",
        name.bytes()
            .fold(7_u128, |hash, byte| hash.wrapping_mul(31) + u128::from(byte))
    );
    let aws = &registry.backend.aws;
    let put = |key: String, content: String| aws.put_object("quilt-dev-shared", &key, content, None, &[]).unwrap();
    put(format!(".quilt/packages/{hash}"), format!("{header}\n{entry}\n"));
    put(format!(".quilt/named_packages/{name}/1767225601"), hash.clone());
    put(format!(".quilt/named_packages/{name}/latest"), hash);
}

#[tokio::test]
async fn packages_are_searched_with_the_document_of_today() {
    let registry = Registry::start().await;
    write_package(
        &registry,
        "team/fish",
        &json!({ "depth": 12.5, "site": "Kiel" }),
        Some("strict"),
    );
    let found = registry
        .data(&p4(), json!({ "l": true, "n": 10, "q": "measurements" }))
        .await;
    assert_eq!(found["total"], 2, "{found}");
    let page = &found["firstPage"];
    assert_eq!(
        (&page["__typename"], &page["cursor"]),
        (&json!("PackagesSearchResultSetPage"), &Value::Null)
    );
    let hits = page["hits"].as_array().unwrap();
    let fish = hits.iter().find(|hit| hit["name"] == "team/fish").unwrap();
    assert_eq!(fish["meta"], json!(r#"{"depth":12.5,"site":"Kiel"}"#));
    assert_eq!(fish["workflow"]["id"], "strict");
    assert_eq!(
        (&fish["pointer"], &fish["totalEntriesCount"], &fish["size"]),
        (&json!("latest"), &json!(1), &json!(10.0))
    );
    let entry = &fish["matchingEntries"][0];
    assert_eq!(entry["logicalKey"], "data/values.csv");
    assert_eq!(entry["meta"], json!(r#"{"user_meta":{"unit":"mm"}}"#));
    let places = json!({ "logicalKey": false, "physicalKey": true, "meta": false, "contents": false });
    assert_eq!(entry["matchLocations"], places);

    let all_revisions = json!({ "l": false, "n": 10, "q": "ptr_name:team\\/fish" });
    let found = registry.data(&p4(), all_revisions).await;
    assert_eq!(found["total"], 2, "latest, and the revision by its time");
    assert_eq!(found["firstPage"]["hits"][0]["matchLocations"]["name"], true);
}

#[tokio::test]
async fn metadata_and_fields_are_filtered() {
    let registry = Registry::start().await;
    write_package(
        &registry,
        "team/fish",
        &json!({ "depth": 12.5, "site": "Kiel", "on": "2026-01-02", "ok": true }),
        Some("strict"),
    );
    write_package(
        &registry,
        "team/crab",
        &json!({ "depth": 3, "site": ["Kiel", "Sylt"], "deep": { "x": "a" } }),
        None,
    );
    let names = async |variables: Value| -> Vec<String> {
        let mut all = json!({ "l": true, "n": 10, "o": "sys:name:asc" });
        all.as_object_mut()
            .unwrap()
            .extend(variables.as_object().unwrap().clone());
        let found = registry.data(&p4(), all).await;
        let hits = found["firstPage"]["hits"].as_array().cloned().unwrap_or_default();
        hits.iter()
            .map(|hit| hit["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let meta = async |predicate: Value| names(json!({ "m": [predicate] })).await;
    assert_eq!(
        meta(json!({ "path": "/depth", "number": { "gte": 5 } })).await,
        ["team/fish"]
    );
    let terms = json!({ "terms": ["Kiel"], "wildcard": null });
    assert_eq!(
        meta(json!({ "path": "/site", "keyword": terms })).await,
        ["team/crab", "team/fish"]
    );
    assert_eq!(
        meta(json!({ "path": "/site", "keyword": { "wildcard": "S*t" } })).await,
        ["team/crab"]
    );
    assert_eq!(
        meta(json!({ "path": "/on", "datetime": { "lte": "2026-01-02T00:00:00Z" } })).await,
        ["team/fish"]
    );
    assert_eq!(
        meta(json!({ "path": "/ok", "boolean": { "true": true, "false": false } })).await,
        ["team/fish"]
    );
    assert_eq!(
        meta(json!({ "path": "/deep/x", "text": { "queryString": "A" } })).await,
        ["team/crab"]
    );
    assert_eq!(
        names(json!({ "f": { "workflow": { "terms": ["strict"] } } })).await,
        ["team/fish"]
    );
    assert_eq!(
        names(json!({ "f": { "comment": { "queryString": "crab" } } })).await,
        ["team/crab"]
    );
    assert_eq!(
        names(json!({ "f": { "name": { "wildcard": "team/*" }, "entries": { "lte": 1 } } })).await,
        ["team/crab", "team/fish"]
    );
    assert_eq!(
        names(json!({ "f": { "size": { "gte": 11, "lte": 10 } } })).await,
        [""; 0]
    );
    assert_eq!(names(json!({ "b": ["quilt-dev-private"] })).await, [""; 0]);
    assert_eq!(
        names(json!({ "o": "usr:/depth:number:desc", "f": { "name": { "wildcard": "team/*" } } })).await,
        ["team/fish", "team/crab"]
    );

    for (ordering, name) in [
        ("sys:comment:asc", "UnsupportedSort"),
        ("usr:/depth:datetime:asc", "UnsupportedSort"),
        ("sys:modified", "ordering"),
        ("sys:Name:asc", "ordering"),
        ("depth", "ordering"),
    ] {
        let found = registry.data(&p4(), json!({ "l": true, "n": 1, "o": ordering })).await;
        let error = &found["firstPage"]["errors"][0];
        assert_eq!(
            (&error["path"], &error["name"]),
            (&json!("ordering"), &json!(name)),
            "{ordering}: {found}"
        );
    }
    let two = json!({ "path": "/depth", "number": { "gte": 1 }, "boolean": { "true": true } });
    for predicate in [
        two,
        json!({ "path": "/depth" }),
        json!({ "path": "depth", "number": { "gte": 1 } }),
    ] {
        let found = registry
            .data(&p4(), json!({ "l": true, "n": 1, "m": [predicate] }))
            .await;
        assert_eq!(found["__typename"], "InvalidInput", "{found}");
    }
}

#[tokio::test]
async fn older_generations_have_their_documents() {
    let registry = Registry::start().await;
    write_package(&registry, "team/fish", &json!({ "depth": 12.5 }), None);
    let search = &registry.backend.search;
    search.set_generation(Generation::August2025);
    let found = registry
        .data(&p3(), json!({ "l": true, "n": 1, "o": "LEX_DESC" }))
        .await;
    assert_eq!(
        (&found["total"], &found["firstPage"]["hits"][0]["name"]),
        (&json!(2), &json!("team/fish"))
    );
    let cursor = found["firstPage"]["cursor"].clone();
    let more = registry.data(&mp(), json!({ "a": cursor, "n": 5 })).await;
    assert_eq!(
        (&more["hits"][0]["name"], &more["cursor"]),
        (&json!("examples/plankton"), &Value::Null)
    );

    search.set_generation(Generation::October2023);
    let found = registry.data(&p0(), json!({ "l": true, "n": 1, "q": "fish" })).await;
    assert_eq!(
        (&found["stats"]["total"], &found["firstPage"]["hits"][0]["meta"]),
        (&json!(1), &json!({ "depth": 12.5 }))
    );
    let found = registry.data(&o0(), json!({ "n": 1, "q": "readme" })).await;
    assert_eq!(
        (&found["stats"]["total"], &found["firstPage"]["hits"][0]["key"]),
        (&json!(1), &json!("plankton/README.md"))
    );

    let me = "{ bucketConfigs { name collaborators { permissionLevel } } me { name roles { name } } }";
    for generation in [
        Generation::WithoutSearch,
        Generation::October2023,
        Generation::August2025,
        Generation::August2026,
    ] {
        search.set_generation(generation);
        assert_eq!(
            registry.data(me, json!({})).await[0]["name"],
            "quilt-dev-shared",
            "{generation:?}"
        );
    }
    let buckets = "query Q($b: String!) { one: bucket(name: $b) { name } }";
    assert_eq!(
        registry.data(buckets, json!({ "b": "quilt-dev-shared" })).await["name"],
        "quilt-dev-shared"
    );
    assert_eq!(
        registry.data(buckets, json!({ "b": "quilt-dev-private" })).await,
        Value::Null
    );
}

#[tokio::test]
async fn facets_say_which_fields_there_are() {
    let registry = Registry::start().await;
    write_package(
        &registry,
        "team/fish",
        &json!({ "depth": 12.5, "on": "2026-01-02", "ok": true, "note": "x".repeat(300) }),
        Some("strict"),
    );
    write_package(
        &registry,
        "team/crab",
        &json!({ "depth": 3, "site": ["Kiel", "Sylt"], "deep": { "x": "a" } }),
        None,
    );
    for generation in [Generation::August2025, Generation::August2026] {
        registry.backend.search.set_generation(generation);
        let found = registry.data(FACETS, json!({ "q": "About", "p": "dee" })).await;
        let stats = &found["stats"];
        assert_eq!(
            (&stats["workflow"]["values"], &stats["userMetaTruncated"]),
            (&json!(["strict"]), &json!(false))
        );
        assert_eq!(
            (&stats["size"], &stats["entries"]),
            (&json!({ "min": 10.0, "max": 10.0 }), &json!({ "min": 1.0, "max": 1.0 }))
        );
        let facets = json!([
            { "__typename": "KeywordPackageUserMetaFacet", "path": "/deep/x", "k": { "values": ["a"] } },
            { "__typename": "NumberPackageUserMetaFacet", "path": "/depth", "n": { "min": 3.0, "max": 12.5 } },
            { "__typename": "TextPackageUserMetaFacet", "path": "/note" },
            { "__typename": "BooleanPackageUserMetaFacet", "path": "/ok" },
            { "__typename": "DatetimePackageUserMetaFacet", "path": "/on", "d": { "min": "2026-01-02T00:00:00Z", "max": "2026-01-02T00:00:00Z" } },
            { "__typename": "KeywordPackageUserMetaFacet", "path": "/site", "k": { "values": ["Kiel", "Sylt"] } },
        ]);
        assert_eq!(stats["userMeta"], facets);
        assert_eq!(
            found["filteredUserMetaFacets"],
            json!([{ "__typename": "KeywordPackageUserMetaFacet", "path": "/deep/x" }])
        );
    }
    let found = registry.data(OBJECT_FACETS, json!({})).await;
    assert_eq!(found["stats"]["ext"]["values"], json!([".csv", ".json", ".md", ".png"]));
}

#[tokio::test]
async fn failures_and_secure_search_are_switched() {
    let registry = Registry::start().await;
    let search = &registry.backend.search;
    search.set_secure(true);
    let found = registry.data(&o3(), json!({ "n": 1 })).await;
    assert_eq!(
        (&found["total"], found["firstPage"]["hits"].as_array().unwrap().len()),
        (&json!(-1), 1)
    );
    search.set_secure(false);

    for (fault, name) in [(SearchFault::Timeout, "Timeout"), (SearchFault::Failed, "SearchError")] {
        search.set_fault(Some(fault));
        let found = registry.data(&o3(), json!({ "n": 1 })).await;
        assert_eq!(
            (&found["__typename"], &found["name"]),
            (&json!("OperationError"), &json!(name))
        );
    }
    search.set_fault(Some(SearchFault::FirstPage));
    let failed = registry.ask(&p4(), json!({ "l": true, "n": 1 })).await;
    let error = &failed.body["errors"][0];
    assert_eq!((failed.status, &failed.body["data"]), (200, &Value::Null));
    assert_eq!(
        (&error["message"], &error["path"]),
        (&json!("Internal Server Error"), &json!(["searchPackages", "firstPage"]))
    );

    search.set_fault(None);
    let first = registry.data(&o3(), json!({ "n": 1 })).await;
    let cursor = first["firstPage"]["cursor"].clone();
    search.set_fault(Some(SearchFault::ExpiredCursors));
    let expired = registry.data(&mo(), json!({ "a": cursor, "n": 1 })).await;
    search.set_fault(None);
    let foreign = registry.data(&mp(), json!({ "a": cursor, "n": 1 })).await;
    let nonsense = registry.data(&mo(), json!({ "a": "x", "n": 1 })).await;
    for refused in [expired, foreign, nonsense] {
        assert_eq!(refused["errors"][0]["path"], "after", "{refused}");
    }
    search.set_generation(Generation::October2023);
    search.set_fault(Some(SearchFault::Timeout));
    let failed = registry.ask(&o0(), json!({ "n": 1 })).await;
    assert_eq!(failed.body["errors"][0]["message"], "Internal Server Error");
}
