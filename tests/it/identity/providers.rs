//! Tokens and key sets in the shapes that identity providers document: with each provider's settings its tokens are accepted,
//! and the tokens beside them are refused with a message that says what to change.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use jsonwebtoken::Algorithm;
use quilt_mcp::clock::Clock;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::issuer::{Issuer, SigningKey, overridden};
use crate::support::now;
use crate::support::server::Server;

/// A file of `tests/fixtures/identity_providers`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider {
    /// The pages that describe the shapes.
    source: Vec<String>,
    settings: Settings,
    header: Value,
    claims: Value,
    /// The members of each published key beside its material.
    keys: Vec<Value>,
    /// The subject of the caller.
    caller: String,
    neighbours: Vec<Neighbour>,
}

#[derive(Deserialize)]
struct Settings {
    issuer: String,
    audience: String,
}

/// A token of the same provider that is not for this server.
#[derive(Deserialize)]
struct Neighbour {
    what: String,
    claims: Value,
    /// Parts of the refusal.
    says: Vec<String>,
}

fn providers() -> HashMap<String, Provider> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/identity_providers");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let provider = serde_json::from_slice(&fs::read(&path).unwrap());
            (name.clone(), provider.unwrap_or_else(|error| panic!("{name}: {error}")))
        })
        .collect()
}

#[tokio::test]
async fn tokens_in_the_shape_of_each_provider_are_accepted_and_their_neighbours_are_not() {
    let providers = providers();
    let mut names: Vec<&str> = providers.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "auth0",
            "auth0-rfc9068",
            "cognito-access",
            "cognito-id",
            "entra-v1",
            "entra-v2",
            "keycloak",
            "okta"
        ]
    );
    // The material is the tests' own: one key that signs, and one beside it.
    let (signing, beside) = (
        SigningKey::new("signing", Algorithm::RS256),
        SigningKey::new("beside", Algorithm::RS256),
    );
    for (name, provider) in providers {
        assert!(
            provider.source.iter().all(|page| page.starts_with("https://")),
            "{name}"
        );
        let is_signing = |members: &Value| members["kid"] == provider.header["kid"];
        assert_eq!(
            provider.keys.iter().filter(|members| is_signing(members)).count(),
            1,
            "{name}"
        );
        let published: Vec<Value> = provider
            .keys
            .iter()
            .map(|members| if is_signing(members) { &signing } else { &beside }.published_with(members))
            .collect();
        let issuer = Issuer::publishing(&published).await;
        let flags = issuer.flags_for(&provider.settings.issuer, &provider.settings.audience);
        let server = Server::start_at(None, &flags, Clock::system()).await;
        let times = json!({ "iat": now(), "nbf": now(), "exp": now() + 3600 });
        let claims = overridden(provider.claims, &times);

        let bearer = signing.sign_parts(&provider.header, &claims);
        let answer = server.call(&bearer, "auth_status", json!({})).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        assert_eq!(answer.success()["subject"], provider.caller.as_str(), "{name}");
        assert_eq!(answer.success()["verified_by"], "jwks", "{name}");

        assert!(!provider.neighbours.is_empty(), "{name}");
        for neighbour in provider.neighbours {
            let bearer = signing.sign_parts(&provider.header, &overridden(claims.clone(), &neighbour.claims));
            let answer = server.call(&bearer, "auth_status", json!({})).await;
            let what = format!("{name}, {}", neighbour.what);
            assert_eq!(answer.refused(), (401, "invalid_jwt"), "{what}: {}", answer.body);
            let message = answer.body["error"]["message"].as_str().unwrap();
            for part in neighbour.says {
                assert!(message.contains(&part), "{what}: {part}: {message}");
            }
        }
    }
}
