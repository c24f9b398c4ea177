//! The users of the development registry, with their roles. The active role of a user decides what every session may do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The users of the registry. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct RegistryUsers(Arc<Mutex<BTreeMap<String, RegistryUser>>>);

/// A user, who has at least one role.
#[derive(Debug, Clone)]
pub(super) struct RegistryUser {
    pub active: RegistryRole,
    /// All roles, with the active one.
    pub roles: Vec<RegistryRole>,
    /// Whether the user administers the catalog, which gives no access to S3.
    pub is_admin: bool,
}

#[derive(Debug, Clone)]
pub(super) struct RegistryRole {
    pub name: String,
    pub arn: String,
    /// Buckets with `READ` or `READ_WRITE`.
    pub buckets: Vec<(String, String)>,
}

impl RegistryRole {
    /// Returns the level of a bucket.
    pub fn level(&self, bucket: &str) -> Option<&str> {
        let found = self.buckets.iter().find(|(granted, _)| granted == bucket);
        found.map(|(_, level)| level.as_str())
    }
}

impl RegistryUsers {
    /// Adds a user in a role, or another role of a user.
    pub fn add(&self, user: &str, role_name: &str, role_arn: &str, buckets: &[(&str, &str)]) {
        let buckets = buckets
            .iter()
            .map(|(bucket, level)| ((*bucket).to_owned(), (*level).to_owned()))
            .collect();
        let role = RegistryRole {
            name: role_name.to_owned(),
            arn: role_arn.to_owned(),
            buckets,
        };
        let mut users = self.lock();
        let user = users.entry(user.to_owned()).or_insert_with(|| RegistryUser {
            active: role.clone(),
            roles: Vec::new(),
            is_admin: false,
        });
        user.roles.push(role);
    }

    /// Makes a user an administrator of the catalog, or takes that away.
    pub fn set_admin(&self, user: &str, is_admin: bool) {
        if let Some(user) = self.lock().get_mut(user) {
            user.is_admin = is_admin;
        }
    }

    /// Switches the role of a user. Returns `false` if the user does not have it.
    pub(super) fn switch(&self, user: &str, role: &str) -> bool {
        let mut users = self.lock();
        let Some(user) = users.get_mut(user) else { return false };
        let Some(role) = user.roles.iter().find(|other| other.name == role) else {
            return false;
        };
        user.active = role.clone();
        true
    }

    pub(super) fn get(&self, user: &str) -> Option<RegistryUser> {
        self.lock().get(user).cloned()
    }

    /// Returns the users with their active roles, in the order of their names.
    pub(super) fn active(&self) -> Vec<(String, RegistryRole)> {
        let users = self.lock();
        users
            .iter()
            .map(|(name, user)| (name.clone(), user.active.clone()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, RegistryUser>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
