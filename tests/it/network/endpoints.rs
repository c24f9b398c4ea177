//! The endpoints of AWS: their variables, their kinds, the region and the partition.

use quilt_mcp::config::ServeConfig;
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::NotingProxy;
use crate::support::program::Program;
use crate::support::{SECRET, token};

const ROLE: &str = "arn:aws:iam::123456789012:role/reader";

/// Calls a server with these variables, first as the server itself and then for a role.
async fn call(variables: &[(&str, String)]) {
    let mut all = vec![
        ("AWS_ACCESS_KEY_ID", "AKIAOWN".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "s".to_owned()),
        ("MCP_JWT_SECRET", SECRET.to_owned()),
        ("QUILT_MCP_ASSUMABLE_ROLES", ROLE.to_owned()),
    ];
    all.extend_from_slice(variables);
    let program = Program::serve(&[], &all).await;
    for claims in [json!({ "sub": "alice" }), json!({ "sub": "alice", "role_arn": ROLE })] {
        let arguments = json!({ "bucket": "some-bucket" });
        let answer = program
            .server
            .call(&token(claims), "bucket_objects_list", arguments)
            .await;
        assert_eq!(answer.output()["success"], false, "{}", answer.body);
    }
}

async fn aws() -> MockServer {
    let server = MockServer::start().await;
    let error = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>No</Message></Error></ErrorResponse>";
    let answer = ResponseTemplate::new(403).set_body_raw(error, "text/xml");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// Paths of the requests: those to S3 name a bucket.
async fn paths(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|request| request.url.path().to_owned()).collect()
}

#[tokio::test]
async fn one_variable_names_the_endpoint_of_every_service_without_its_own() {
    let (all, s3) = (aws().await, aws().await);
    call(&[("AWS_ENDPOINT_URL", all.uri())]).await;
    assert_eq!(paths(&all).await, ["/some-bucket/", "/"], "S3, then STS");

    call(&[("AWS_ENDPOINT_URL", all.uri()), ("AWS_ENDPOINT_URL_S3", s3.uri())]).await;
    assert_eq!(paths(&s3).await, ["/some-bucket/"]);
    assert_eq!(paths(&all).await.len(), 3, "and one more for STS");
}

#[tokio::test]
async fn fips_and_dual_stack_endpoints_are_used_for_every_service() {
    for (variable, hosts) in [
        (
            "AWS_USE_FIPS_ENDPOINT",
            [
                "some-bucket.s3-fips.us-west-2.amazonaws.com",
                "sts-fips.us-west-2.amazonaws.com",
            ],
        ),
        (
            "AWS_USE_DUALSTACK_ENDPOINT",
            [
                "some-bucket.s3.dualstack.us-west-2.amazonaws.com",
                "sts.us-west-2.api.aws",
            ],
        ),
    ] {
        let proxy = NotingProxy::start().await;
        let variables = [
            (variable, "True\n".to_owned()),
            ("HTTPS_PROXY", proxy.url.clone()),
            ("AWS_DEFAULT_REGION", "us-west-2\n".to_owned()),
        ];
        call(&variables).await;
        assert_eq!(proxy.hosts(), hosts, "{variable}");
    }
}

fn checked(flags: &[&str]) -> Result<String, String> {
    let config = ServeConfig::from_flags(flags).map_err(|error| error.to_string())?;
    config.check().map_err(|error| error.to_string())?;
    Ok(config.aws.region().to_owned())
}

#[test]
fn a_region_is_a_name_of_a_region_or_the_start_stops() {
    assert_eq!(checked(&[]).as_deref(), Ok("us-east-1"));
    assert_eq!(checked(&["--default-region=eu-west-1\n"]).as_deref(), Ok("eu-west-1"));
    assert_eq!(
        checked(&["--default-region=eu-west-1", "--region= eu-west-2"]).as_deref(),
        Ok("eu-west-2")
    );
    for bad in ["--region=\"eu-west-1\"", "--default-region=Ireland"] {
        assert!(
            checked(&[bad]).unwrap_err().contains("not the name of an AWS region"),
            "{bad}"
        );
    }
}

#[test]
fn roles_and_region_of_different_partitions_stop_the_start() {
    let secret = format!("--jwt-secret={SECRET}");
    let role = |partition: &str| format!("--assumable-roles=arn:{partition}:iam::123456789012:role/x");
    for (partition, region) in [
        ("aws-us-gov", "us-gov-west-1"),
        ("aws-eusc", "eusc-de-east-1"),
        ("aws-cn", "cn-north-1"),
    ] {
        let role = role(partition);
        assert!(
            checked(&[&secret, &role, &format!("--region={region}")]).is_ok(),
            "{partition}"
        );
        let error = checked(&[&secret, &role]).unwrap_err();
        let names_all = ["QUILT_MCP_ASSUMABLE_ROLES", partition, "us-east-1", "AWS_REGION"];
        assert!(names_all.iter().all(|name| error.contains(name)), "{error}");
    }
}

#[test]
fn a_kind_of_endpoint_and_an_endpoint_contradict_each_other() {
    let error = checked(&["--use-fips", "--endpoint-url=http://127.0.0.1:1"]).unwrap_err();
    assert!(
        error.contains("AWS_USE_FIPS_ENDPOINT") && error.contains("AWS_ENDPOINT_URL"),
        "{error}"
    );
    assert!(checked(&["--use-fips", "--use-dual-stack"]).is_ok());
}
