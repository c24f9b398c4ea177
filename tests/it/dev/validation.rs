//! Documents that do not fit the generation of the schema, in the words of graphql-core 3.3.

use quilt_mcp::dev::Generation;
use serde_json::{Value, json};

use super::Registry;
use super::documents::{mo, mp, o0, o3, p0, p3, p4};

async fn messages(registry: &Registry, document: &str, variables: Value) -> Vec<String> {
    let answer = registry.ask(document, variables).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    let errors = answer.body["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| error["message"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn documents_of_other_generations_are_refused() {
    let registry = Registry::start().await;
    let search = registry.backend.search.clone();
    let none = json!({ "l": true, "n": 1, "a": "x" });

    search.set_generation(Generation::August2026);
    let expected = [
        "Unknown argument 'order' on field 'PackagesSearchResultSet.firstPage'.",
        "Cannot query field 'cursor' on type 'PackagesFirstPageResult'. Did you mean to use an inline fragment on \
         'PackagesSearchResultSetPage'?",
    ];
    let found = messages(&registry, &p3(), none.clone()).await;
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>()[..2], expected);

    search.set_generation(Generation::August2025);
    let expected = [
        "Unknown type 'PackageOrdering'.",
        "Unknown argument 'ordering' on field 'PackagesSearchResultSet.firstPage'.",
        "Fragment cannot be spread here as objects of type 'PackagesSearchResultSetPage' can never be of type 'InvalidInput'.",
        "Fragment cannot be spread here as objects of type 'PackagesSearchResultSetPage' can never be of type 'OperationError'.",
    ];
    assert_eq!(messages(&registry, &p4(), none.clone()).await, expected);
    assert_eq!(
        messages(&registry, &o0(), none.clone()).await,
        ["Cannot query field 'total' on type 'ObjectsSearchStats'."]
    );

    search.set_generation(Generation::October2023);
    let found = messages(&registry, &p3(), none.clone()).await;
    for part in [
        "Cannot query field 'total' on type 'PackagesSearchResultSet'.",
        "Cannot query field 'matchingEntries' on type 'SearchHitPackage'.",
        "Cannot query field 'pointer' on type 'SearchHitPackage'.",
        "Fragment cannot be spread here as objects of type 'PackagesSearchResult' can never be of type 'OperationError'.",
    ] {
        assert!(found.iter().any(|message| message == part), "{part}: {found:#?}");
    }
    assert_eq!(
        messages(&registry, "{ buckets { name } }", json!({})).await,
        ["Cannot query field 'buckets' on type 'Query'."]
    );

    search.set_generation(Generation::WithoutSearch);
    for (document, field) in [
        (p4(), "searchPackages"),
        (p0(), "searchPackages"),
        (o3(), "searchObjects"),
        (mp(), "searchMorePackages"),
        (mo(), "searchMoreObjects"),
    ] {
        let expected = format!("Cannot query field '{field}' on type 'Query'.");
        let found = messages(&registry, &document, none.clone()).await;
        assert!(found.contains(&expected), "{found:#?}");
    }
}

/// The messages are those of graphql-core 3.3.2 for the same documents and the same schema, without its suggestions.
#[tokio::test]
async fn documents_that_fit_no_schema_are_refused() {
    let registry = Registry::start().await;
    for (document, expected) in [
        ("{nothing}", "Cannot query field 'nothing' on type 'Query'."),
        (
            "{me}",
            "Field 'me' of type 'Me' must have a selection of subfields. Did you mean 'me { ... }'?",
        ),
        (
            "{me{name{x}}}",
            "Field 'name' must not have a selection since type 'String!' has no subfields.",
        ),
        (
            "{searchMoreObjects{__typename}}",
            "Argument 'Query.searchMoreObjects(after:)' of type 'String!' is required, but it was not provided.",
        ),
        (
            "{searchMoreObjects(after:1){__typename}}",
            "String cannot represent a non string value: 1",
        ),
        (
            "{searchMoreObjects(after:\"1\",after:\"2\"){__typename}}",
            "There can be only one argument named 'after'.",
        ),
        (
            "{searchMoreObjects(after:$q){__typename}}",
            "Variable '$q' is not defined.",
        ),
        (
            "query Q{searchMoreObjects(after:$q){__typename}}",
            "Variable '$q' is not defined by operation 'Q'.",
        ),
        (
            "query Q($x:Int){me{name}}",
            "Variable '$x' is never used in operation 'Q'.",
        ),
        (
            "query($a:Int){searchMoreObjects(after:$a){__typename}}",
            "Variable '$a' of type 'Int' used in position expecting type 'String!'.",
        ),
        (
            "query($a:Nope){searchMoreObjects(after:$a){__typename}}",
            "Unknown type 'Nope'.",
        ),
        (
            "{searchObjects(filter:{foo:1}){__typename}}",
            "Expected value of type 'ObjectsSearchFilter' not to include unknown field 'foo', found: { foo: 1 }.",
        ),
        (
            "{searchObjects{...on ObjectsSearchResultSet{firstPage(order:FOO){cursor}}}}",
            "Value 'FOO' does not exist in 'SearchResultOrder' enum.",
        ),
        ("{me{name @foo}}", "Unknown directive '@foo'."),
        ("{me{...F}}", "Unknown fragment 'F'."),
        ("fragment F on Me{name} {me{name}}", "Fragment 'F' is never used."),
        (
            "{me{...F}} fragment F on Me{name ...F}",
            "Cannot spread fragment 'F' within itself.",
        ),
        (
            "{a:me{name} a:bucketConfigs{name}}",
            "Fields 'a' conflict because 'me' and 'bucketConfigs' are different fields. Use different aliases on the fields to fetch both if this was intentional.",
        ),
        (
            "{searchPackages{...on PackagesSearchResultSet{stats{userMeta{...on NumberPackageUserMetaFacet{extents{min}} ...on DatetimePackageUserMetaFacet{extents{min}}}}}}}",
            "Fields 'extents' conflict because subfields 'min' conflict because they return conflicting types 'Float!' and 'Datetime!'. Use different aliases on the fields to fetch both if this was intentional.",
        ),
        ("mutation{x}", "Cannot query field 'x' on type 'Mutation'."),
        (
            "subscription{x}",
            "The subscription operation is not supported by the schema.",
        ),
    ] {
        assert_eq!(messages(&registry, document, json!({})).await, [expected], "{document}");
    }
    assert!(messages(&registry, "{me{name}", json!({})).await[0].starts_with("Syntax Error: "));
}

#[tokio::test]
async fn values_of_variables_are_checked() {
    let registry = Registry::start().await;
    for (variables, expected) in [
        (
            json!({}),
            "'$n' has invalid value: Expected a value of non-null type 'Int!' to be provided.",
        ),
        (
            json!({ "n": "x" }),
            "'$n' has invalid value: Int cannot represent non-integer value: 'x'",
        ),
        (
            json!({ "n": 1, "f": { "size": { "gte": "x" } } }),
            "'$f' has invalid value at .size.gte: Float cannot represent non numeric value: 'x'",
        ),
        (
            json!({ "n": 1, "f": { "foo": 1 } }),
            "'$f' has invalid value: Expected value of type 'ObjectsSearchFilter' not to include unknown field 'foo', found: {'foo': 1}.",
        ),
        (
            json!({ "n": 1, "b": [null] }),
            "'$b' has invalid value at [0]: Expected value of non-null type 'String!' not to be None.",
        ),
        (
            json!({ "n": 1, "o": "X" }),
            "'$o' has invalid value: Value 'X' does not exist in 'SearchResultOrder' enum.",
        ),
        (
            json!({ "n": 1, "f": { "content": {} } }),
            "'$f' has invalid value at .content: Expected value of type 'TextSearchPredicate' to include required field 'queryString', found: {}.",
        ),
    ] {
        assert_eq!(
            messages(&registry, &o3(), variables).await,
            [format!("Variable {expected}")]
        );
    }
    // Values that the types of the schema take, and the search does not.
    let f = json!({ "modified": { "gte": "yesterday" } });
    let found = registry.data(&o3(), json!({ "n": 1, "f": f })).await;
    assert_eq!(found["errors"][0]["path"], "filter.modified.gte", "{found}");
}

#[tokio::test]
async fn fragments_aliases_and_directives_are_executed() {
    let registry = Registry::start().await;
    let document = "query A($yes: Boolean = true, $n: Int = 1) { ...Both who: me @include(if: $yes) { name } no: me @skip(if: $yes) { name } }
        fragment Both on Query { found: searchObjects(searchString: \"ext:.csv\") { __typename
          ... on ObjectsSearchResultSet { first: firstPage(size: $n) { hits { key } } second: firstPage(size: 2, order: LEX_DESC) { hits { key } } } } }";
    let answer = registry.ask(document, Value::Null).await;
    let data = &answer.body["data"];
    assert_eq!(
        (&data["who"], data.get("no")),
        (&json!({ "name": "reader" }), None),
        "{}",
        answer.body
    );
    assert_eq!(data["found"]["first"]["hits"].as_array().unwrap().len(), 1);
    let second = json!([{ "key": "plankton/données/été 2026.csv" }, { "key": "plankton/data/measurements.csv" }]);
    assert_eq!(data["found"]["second"]["hits"], second);

    // Each fragment spreads the next one twice.
    let fragment = |n: u32| format!("fragment F{n} on Me {{ ...F{} ...F{} }}", n + 1, n + 1);
    let doubled: String = (0..40).map(fragment).collect();
    let document = format!("{{ me {{ ...F0 }} }} {doubled} fragment F40 on Me {{ name }}");
    assert_eq!(registry.data(&document, json!({})).await, json!({ "name": "reader" }));
}
