//! The credential sources of the server, in the order in which the chain asks them.

mod ambient;
mod catalog;
mod jwt;
mod own_identity;

use std::sync::Arc;

pub use self::ambient::{Ambient, AmbientProvider};
use self::catalog::CatalogSource;
use self::jwt::JwtSource;
pub(super) use self::own_identity::{OwnIdentity, OwnIdentityError};
use crate::aws::sts::SharedSts;
use crate::catalog::Registries;
use crate::clock::Clock;
use crate::credentials::{AssumeRole, CredentialSource, RightsConfig};

/// The dependencies of the sources.
pub struct SourceContext<'a> {
    /// The operator's settings.
    pub rights: &'a RightsConfig,
    /// The registries that may be asked.
    pub registries: &'a Arc<Registries>,
    /// The server's own identity, with which `AssumeRole` is signed.
    pub ambient: &'a Ambient,
    pub sts: &'a SharedSts,
    /// The clock of the server.
    pub clock: &'a Clock,
}

/// Lists the sources. The chain asks them in this order, and ambient credentials after them.
pub(super) fn list(context: &SourceContext<'_>) -> Vec<Box<dyn CredentialSource>> {
    vec![Box::new(jwt(context)), Box::new(catalog(context))]
}

fn jwt(context: &SourceContext<'_>) -> JwtSource {
    let assume_role = AssumeRole::new(context.rights, context.ambient, context.sts, context.clock.clone());
    JwtSource::new(assume_role, context.clock.clone())
}

fn catalog(context: &SourceContext<'_>) -> CatalogSource {
    CatalogSource::new(context.registries.clone(), context.clock.clone())
}
