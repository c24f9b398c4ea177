//! Pages of many hits.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Registry;
use super::documents::{mo, o3};

const BUCKET: &str = "quilt-dev-shared";

#[tokio::test]
async fn a_thousand_hits_are_paged_without_loss_or_repeat_while_objects_are_written() {
    let registry = Registry::start().await;
    let aws = &registry.backend.aws;
    let put = |key: &str, text: &'static str| aws.put_object(BUCKET, key, text, None, &[]).unwrap();
    let expected: BTreeSet<String> = (0..1000).map(|n| format!("many/{n:04}.txt")).collect();
    for key in &expected {
        put(key, "some words");
    }
    for order in ["BEST_MATCH", "LEX_ASC", "LEX_DESC", "OLDEST"] {
        let first = json!({ "q": "key:many*", "n": 70, "o": order });
        let found = registry.data(&o3(), first).await;
        let mut page = found["firstPage"].clone();
        let (mut seen, mut number) = (Vec::new(), 0);
        loop {
            let hits = page["hits"].as_array().unwrap();
            seen.extend(hits.iter().map(|hit| hit["key"].as_str().unwrap().to_owned()));
            let Value::String(cursor) = &page["cursor"] else { break };
            // Others come before, between and behind the hits, and go.
            for key in ["many/", "many/0500.txt.", "many/zz"] {
                put(&format!("{key}{order}{number}"), "new");
            }
            if number % 3 == 0 {
                aws.put_object(BUCKET, &format!("other/{order}{number}"), "new", None, &[])
                    .unwrap();
            }
            number += 1;
            page = registry.data(&mo(), json!({ "a": cursor, "n": 70 })).await;
        }
        let unique: BTreeSet<String> = seen.iter().cloned().collect();
        assert_eq!(unique.len(), seen.len(), "{order}: a hit was repeated");
        assert!(expected.is_subset(&unique), "{order}: a hit was lost");
    }
}

#[tokio::test]
async fn an_overwritten_object_is_not_repeated() {
    let registry = Registry::start().await;
    let aws = &registry.backend.aws;
    for n in 0..20 {
        aws.put_object(BUCKET, &format!("many/{n:02}"), "x", None, &[]).unwrap();
    }
    let found = registry.data(&o3(), json!({ "q": "key:many*", "n": 10 })).await;
    let hits = found["firstPage"]["hits"].as_array().unwrap().clone();
    for hit in &hits {
        aws.put_object(BUCKET, hit["key"].as_str().unwrap(), "y", None, &[])
            .unwrap();
    }
    let more = registry
        .data(&mo(), json!({ "a": found["firstPage"]["cursor"], "n": 50 }))
        .await;
    let rest: Vec<&Value> = more["hits"].as_array().unwrap().iter().map(|hit| &hit["key"]).collect();
    assert_eq!(rest.len(), 10);
    assert!(hits.iter().all(|hit| !rest.contains(&&hit["key"])));
    assert_eq!(more["cursor"], Value::Null);
}
