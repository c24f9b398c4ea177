//! The embedded S3 and STS as boto3 sees them: a hundred requests that must work or be refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use embedded_aws::{EmbeddedAws, JournalEntry, Options};
use quilt_mcp::clock::Clock;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::tools;

/// Requests that the embedded S3 answers differently, on purpose.
const OTHERWISE: [(&str, &str); 3] = [
    // It does redirect, which is asserted below; boto3 follows redirects itself and signs for its own region.
    ("ops.wrong_region_redirect", "served, x-amz-bucket-region=eu-west-1"),
    // The shortest session is an option, one second by default, so that a test may wait for a real `ExpiredToken`.
    ("enf.duration_2s_refused_by_sts", "ok"),
    // It has no IAM API: users and roles are set up from within, where `delete_role` does what this question asks for.
    ("enf.session_revoked_role_deleted", "NotImplemented/501"),
];

/// The verdict and the response of each request.
type Report = BTreeMap<String, BTreeMap<String, (String, Value)>>;

#[tokio::test]
async fn boto3_finds_it_to_be_like_aws() -> anyhow::Result<()> {
    let results = tempfile::NamedTempFile::new()?;
    let mut probe = tools::python_script("s3probe.py")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    probe
        .arg(format!("http://{}", listener.local_addr()?))
        .arg("--out")
        .arg(results.path());

    let aws = stage()?;
    let shutdown = CancellationToken::new();
    let asked = async {
        let said = tokio::task::spawn_blocking(move || tools::run(&mut probe)).await;
        shutdown.cancel();
        said
    };
    let ((), said) = tokio::join!(aws.serve(listener, shutdown.clone()), asked);
    let said = said??;

    let report: Report = serde_json::from_slice(&std::fs::read(results.path())?)?;
    let asked = |about: &str| report.get(about).map_or(0, BTreeMap::len);
    assert_eq!((asked("ops"), asked("enf")), (53, 44), "{said}");
    let differs: BTreeMap<String, &Value> = report
        .iter()
        .flat_map(|(about, answers)| {
            answers
                .iter()
                .map(move |(question, answer)| (format!("{about}.{question}"), answer))
        })
        .filter(|(_, (verdict, _))| verdict != "PASS")
        .map(|(question, (_, answer))| (question, answer))
        .collect();
    let otherwise = OTHERWISE.map(|(question, answer)| (question.to_owned(), json!(answer)));
    let otherwise = otherwise
        .iter()
        .map(|(question, answer)| (question.clone(), answer))
        .collect();
    assert_eq!(differs, otherwise, "{said}");

    let heads = |status| move |entry: &JournalEntry| entry.operation == "HeadBucket" && entry.status == status;
    let entries = aws.journal().entries().into_iter();
    let elsewhere: Vec<_> = entries
        .filter(|entry| entry.bucket.as_deref() == Some("probe-eu"))
        .collect();
    assert!(
        elsewhere.iter().any(heads(301)) && elsewhere.iter().any(heads(200)),
        "{elsewhere:?}"
    );
    Ok(())
}

/// Makes an account with the users and roles of the requests.
fn stage() -> anyhow::Result<EmbeddedAws> {
    let clock = Clock::system();
    let aws = EmbeddedAws::new(Options::new(Arc::new(move || clock.now())));
    let everything = policy(&[allow(json!("*"), json!("*"))]);
    let assume = policy(&[allow(json!("sts:AssumeRole"), json!("*"))]);
    aws.create_user_with_key("admin", "TESTADMINADMINADMIN0", "adminsecret", &[everything])?;
    aws.create_user_with_key(
        "svc",
        "TESTSVCSVCSVCSVCSVC0",
        "svcsecret",
        std::slice::from_ref(&assume),
    )?;
    aws.create_user_with_key("stranger", "TESTSTRANGERSTRANGE0", "strangersecret", &[assume])?;

    let (bucket, objects) = (json!("arn:aws:s3:::probe-bkt"), json!("arn:aws:s3:::probe-bkt/*"));
    let read_only = policy(&[
        allow(json!(["s3:GetObject", "s3:GetObjectVersion"]), objects.clone()),
        allow(json!(["s3:ListBucket", "s3:GetBucketLocation"]), bucket.clone()),
    ]);
    let read_write = policy(&[
        allow(json!(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]), objects),
        allow(json!("s3:ListBucket"), bucket.clone()),
        json!({"Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::probe-bkt/denied/*"}),
    ]);
    let one_prefix = policy(&[
        allow(
            json!(["s3:GetObject", "s3:PutObject"]),
            json!("arn:aws:s3:::probe-bkt/team-a/*"),
        ),
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket,
            "Condition": {"StringLike": {"s3:prefix": ["team-a/*"]}}}),
    ]);
    let (svc, stranger) = (aws.user_arn("svc"), aws.user_arn("stranger"));
    let both = trust(&json!([svc, stranger]));
    let root = format!("arn:aws:iam::{}:root", aws.options().account_id);
    aws.create_role("probe-ro", &both, std::slice::from_ref(&read_only))?;
    aws.create_role("probe-rw", &both, &[read_write])?;
    aws.create_role("probe-prefix", &both, &[one_prefix])?;
    aws.create_role("probe-trusted", &trust(&json!(svc)), std::slice::from_ref(&read_only))?;
    aws.create_role("probe-root", &trust(&json!(root)), &[read_only])?;
    Ok(aws)
}

fn policy(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

#[expect(clippy::needless_pass_by_value, reason = "both are made where it is called")]
fn allow(action: Value, resource: Value) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn trust(principal: &Value) -> Value {
    policy(&[json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"})])
}
