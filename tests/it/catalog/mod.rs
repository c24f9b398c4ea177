//! Links to the catalog's pages: `catalog_link`, and the links in results.

mod link;
mod older_names;
mod results;

use serde_json::Value;

use crate::support::on_dev::OnDev;

async fn link_of(scene: &OnDev, arguments: Value) -> Value {
    scene.call("catalog_link", arguments).await.success().clone()
}

async fn refusal(scene: &OnDev, arguments: Value) -> String {
    let answer = scene.call("catalog_link", arguments).await;
    answer.failure("invalid_argument")["error"].as_str().unwrap().to_owned()
}
