use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::*;
use crate::aws::AwsOptions;
use crate::aws::sts::SharedSts;
use crate::catalog::{
    CatalogConfig, HostClient, HttpClients, LocalCatalogs, Registries, http_client, public_only_http_client,
};
use crate::clock::Clock;
use crate::credentials::{AmbientProvider, RightsConfig, SourceCredentials, SourceResult};
use crate::identity::{BearerToken, Claims, VerifyMode};
use crate::resilience::{RetryPolicy, Upstreams};

const NOW: &str = "2026-11-23T12:00:00Z";

/// A source that answers the same to every caller.
struct Stub(Source, Outcome);

#[async_trait]
impl CredentialSource for Stub {
    fn source(&self) -> Source {
        self.0
    }

    async fn resolve(&self, _: Option<&AuthenticatedCaller>) -> SourceResult {
        match self.1 {
            Outcome::Ok => Ok(SourceCredentials {
                credentials: keys("ASIAUSER"),
                expires_at: None,
                message: "given".to_owned(),
            }),
            outcome => Err(Attempt::none(self.0, outcome, ErrorCode::NoClaim, "not given")),
        }
    }

    fn explain(&self, _: &TokenView<'_>) -> Step {
        match self.1 {
            Outcome::NotApplicable => Step::not_applicable("absent"),
            _ => Step::applies("present"),
        }
    }
}

fn keys(id: &str) -> Credentials {
    Credentials::new(id, "s", None, None, "test")
}

async fn chain(jwt: Outcome, catalog: Outcome) -> CredentialChain {
    let clock = Clock::fixed(NOW.parse().unwrap());
    let own = AmbientProvider::Fixed(keys("AKIASERVER"));
    CredentialChain {
        sources: vec![
            Box::new(Stub(Source::Jwt, jwt)),
            Box::new(Stub(Source::Catalog, catalog)),
        ],
        ambient: Ambient::new(
            own,
            &AwsOptions {
                clock: clock.clone(),
                ..AwsOptions::default()
            },
            AmbientPolicy::Full,
        )
        .await,
        registries: Arc::new(registries(&clock)),
        registry_name: String::new(),
        cache: Cache::new(clock.clone()),
    }
}

const OUTCOMES: [Outcome; 4] = [Outcome::Ok, Outcome::NotApplicable, Outcome::Denied, Outcome::Failed];

#[tokio::test]
async fn ambient_credentials_need_every_source_to_be_not_applicable() {
    for jwt in OUTCOMES {
        for catalog in OUTCOMES {
            let chain = chain(jwt, catalog).await;
            let resolved = chain.resolve(&Caller::Anonymous).await;
            let source = resolved.as_ref().ok().map(|resolved| resolved.source());
            let expected = match (jwt, catalog) {
                (Outcome::Ok, _) => Some(Source::Jwt),
                (_, Outcome::Ok) => Some(Source::Catalog),
                (Outcome::NotApplicable, Outcome::NotApplicable) => Some(Source::Ambient),
                _ => None,
            };
            assert_eq!(source, expected, "{jwt:?} {catalog:?}");
        }
    }
}

#[tokio::test]
async fn an_opaque_token_never_leads_to_ambient_credentials() {
    let token = BearerToken::parse("opaque").unwrap();
    let caller = Caller::Authenticated(Arc::new(AuthenticatedCaller::opaque(token)));
    let chain = chain(Outcome::NotApplicable, Outcome::NotApplicable).await;
    let none = chain.resolve(&caller).await.unwrap_err();
    assert_eq!(none.attempts.len(), 3);
    let ambient = chain.explain(&TokenView::opaque()).pop().unwrap();
    assert!(ambient.text.starts_with("not reached"), "{}", ambient.text);
}

/// A prediction and the chain follow the same rule.
#[tokio::test]
async fn an_explanation_reaches_ambient_credentials_when_the_chain_does() {
    let claims = Claims::default();
    for jwt in OUTCOMES {
        for catalog in OUTCOMES {
            let chain = chain(jwt, catalog).await;
            let steps = chain.explain(&TokenView::unproved(&claims));
            let sources: Vec<Source> = steps.iter().map(|step| step.source).collect();
            assert_eq!(sources, [Source::Jwt, Source::Catalog, Source::Ambient]);
            let resolved = chain.resolve(&Caller::Anonymous).await;
            let is_ambient = resolved.is_ok_and(|resolved| resolved.source() == Source::Ambient);
            assert_eq!(steps[2].text.starts_with("reached"), is_ambient, "{}", steps[2].text);
        }
    }
}

/// No registry.
fn registries(clock: &Clock) -> Registries {
    let second = Duration::from_secs(1);
    let upstreams = Upstreams::new(clock.clone(), RetryPolicy::default());
    let http = HttpClients {
        unrestricted: HostClient::new(http_client(second).unwrap(), upstreams.clone()),
        public_only: HostClient::new(public_only_http_client(second).unwrap(), upstreams),
    };
    Registries::new(
        &CatalogConfig::default(),
        None,
        LocalCatalogs::Rejected,
        http,
        clock.clone(),
    )
}

/// The chain of a server without a registry, whose own identity cannot be loaded.
async fn server_chain() -> CredentialChain {
    let clock = Clock::fixed(NOW.parse().unwrap());
    let rights = RightsConfig {
        ambient: AmbientPolicy::Full,
        ..RightsConfig::default()
    };
    let second = Duration::from_secs(1);
    let registries = registries(&clock);
    let sts = SharedSts::new(AwsOptions {
        region: "us-east-1".to_owned(),
        endpoint: None,
        initial_backoff: second,
        connect_timeout: second,
        clock: clock.clone(),
        ..AwsOptions::default()
    });
    let ambient = Ambient::new(
        AmbientProvider::None,
        &AwsOptions {
            clock: clock.clone(),
            ..AwsOptions::default()
        },
        AmbientPolicy::Full,
    )
    .await;
    CredentialChain::new(&SourceContext {
        rights: &rights,
        registries: &Arc::new(registries),
        ambient: &ambient,
        sts: &sts,
        clock: &clock,
    })
}

/// Documents name the sources in the order of the variants.
#[tokio::test]
async fn the_chain_lists_the_sources_in_the_order_of_the_variants() {
    let chain = server_chain().await;
    let position = |source| Source::ALL.iter().position(|other| *other == source).unwrap();
    let listed = chain.sources.iter().map(|source| position(source.source()));
    assert!(listed.chain([position(Source::Ambient)]).is_sorted_by(|a, b| a < b));
}

/// Only what needs no request, so that the outcome is certain.
#[tokio::test]
async fn sources_do_what_they_explain() {
    let chain = server_chain().await;
    let now: Timestamp = NOW.parse().unwrap();
    let keys = json!({"access_key_id": "ASIAX", "secret_access_key": "s"});
    let mut expired = keys.clone();
    expired["expiration"] = json!(now.as_second() - 1);
    for claims in [
        json!({}),
        json!({ "aws_credentials": keys }),
        json!({ "aws_credentials": expired }),
        json!({ "aws_credentials": {} }),
        json!({ "role_arn": "arn:aws:iam::123456789012:role/x" }),
        json!({ "registry_url": "https://registry.example.com" }),
        json!({ "catalog_url": "no URL" }),
        json!({ "catalog_token": "no token" }),
        json!({ "registry_url": "https://registry.example.com", "catalog_token": "no token" }),
    ] {
        let parsed: Claims = serde_json::from_value(claims.clone()).unwrap();
        let token = BearerToken::parse("token").unwrap();
        let caller = AuthenticatedCaller::signed(token, VerifyMode::Hs256, parsed, now + SignedDuration::from_hours(1));
        for source in &chain.sources {
            let outcome = source
                .resolve(Some(&caller))
                .await
                .err()
                .map_or(Outcome::Ok, |attempt| attempt.outcome);
            let expected = if outcome == Outcome::NotApplicable {
                Reach::NotApplicable
            } else {
                Reach::Applies
            };
            let step = source.explain(&TokenView::proved(&caller));
            assert_eq!(step.reach, expected, "{:?} {claims}: {}", source.source(), step.text);
            assert_eq!(
                step.text.contains("denied"),
                outcome == Outcome::Denied,
                "{claims}: {}",
                step.text
            );
        }
    }
}
