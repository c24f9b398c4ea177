//! The switch of a user's role.

use serde::Deserialize;
use serde_json::{Value, json};

use super::documents::account::SWITCH_ROLE;
use super::graphql::mutate;
use super::mutation::{MutationError, outcome};
use super::{CatalogUser, RegistryAccess};

#[derive(Deserialize)]
struct Response {
    #[serde(rename = "switchRole")]
    answer: Value,
}

/// Switches the role of the user in all of the user's sessions, and returns the user as it is then.
pub async fn switch_role(access: &RegistryAccess, role: &str) -> Result<CatalogUser, MutationError> {
    let response: Response = mutate(access, SWITCH_ROLE, json!({ "r": role })).await?;
    outcome(response.answer, "Me")
}
