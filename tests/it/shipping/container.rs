//! The development environment in a container: its image, started in a network of its own, and a client in another network,
//! which reaches nothing but the published port.

use std::path::Path;

use serde_json::Value;

use crate::support::image::Image;
use crate::support::{programs, tools};

/// Joins a new network, the container's, and another one, the client's, by a cable; starts the container, and runs the client
/// when it is ready. `$0` is the client's command, and the others are the container's.
const NETWORKS: &str = r#"
set -eu
ip link set lo up
coproc CLIENT { exec unshare --net sh -c 'echo; exec cat'; }
read -r _ <&"${CLIENT[0]}"
client=$CLIENT_PID
ip link add published type veth peer name cable netns "$client"
ip addr add 10.77.0.1/24 dev published
ip link set published up
in_client() { nsenter "--net=/proc/$client/ns/net" -- "$@"; }
in_client ip addr add 10.77.0.2/24 dev cable
in_client ip link set cable up
exec 3< <(exec "$@")
container=$!
trap 'kill "$container"' EXIT
while read -r line <&3; do
    echo "$line" >&2
    case "$line" in *Ctrl-C*) break ;; esac
done
in_client sh -c "$0"
"#;

#[tokio::test]
async fn a_client_in_another_network_reaches_everything_at_the_published_port() {
    if !programs::found(&["apt-get", "dpkg-deb", "unshare", "ip", "nsenter"]) {
        return;
    }
    let printed = tokio::task::spawn_blocking(|| {
        let image = Image::assemble_target("dev")?;
        let url = "http://10.77.0.1:8000";
        let container = image.command(&[("QUILT_MCP_PUBLIC_URL", url.to_owned())]);
        let client = tools::python_script("container_client.py")?;
        let client: Vec<_> = std::iter::once(client.get_program()).chain(client.get_args()).collect();
        let client: Vec<_> = client
            .iter()
            .map(|word| format!("'{}'", word.to_string_lossy()))
            .collect();
        let mut networks = tools::isolated(Path::new("unshare"));
        networks
            .args(["--user", "--map-root-user", "--net", "bash", "-c", NETWORKS])
            .arg(format!(
                "PYTHONUTF8=1 PYTHONDONTWRITEBYTECODE=1 {} {url}",
                client.join(" ")
            ))
            .arg(container.get_program())
            .args(container.get_args());
        tools::run(&mut networks)
    });
    let printed = printed.await.unwrap().unwrap();
    let found: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(found["page"], "text/html; charset=utf-8", "{found}");
    assert_eq!(found["linked"], "Hello from outside", "{found}");
    assert_eq!(found["changed_link"], 403, "a link is signed for this address: {found}");
    assert_eq!(found["listed"], Value::from(vec!["notes/outside.txt"]), "{found}");
    assert_eq!(found["denied"], "AccessDenied", "{found}");
    assert!(
        found["arn"].as_str().unwrap().ends_with(":assumed-role/writer/writer"),
        "{found}"
    );
    assert_eq!(
        found["workgroups"].as_array().map(Vec::is_empty),
        Some(false),
        "{found}"
    );
    let location = found["catalog_page"].as_str().unwrap();
    assert!(
        location.starts_with("http://10.77.0.1:8000/#packages/quilt-dev-shared/examples/plankton@"),
        "{found}"
    );
    assert_eq!(
        found["addresses"],
        Value::from(vec!["http://10.77.0.1:8000", "http://10.77.0.1:8000/registry"]),
        "{found}"
    );
    assert_eq!(found["strange_host"], 403, "{found}");
}
