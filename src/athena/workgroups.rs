//! Workgroups that a caller may use, and the one that is meant where none is named.
//!
//! Athena lists the workgroups of the account and does not say whose they are: each is asked for its configuration, as
//! Quilt's catalog does. A refusal means that it is another's; any other error makes the list incomplete.

use std::sync::Arc;

use futures::{StreamExt as _, stream};

use super::{AthenaError, UserQueries};
use crate::aws::athena::{WorkGroup, WorkGroupState};
use crate::aws::{AwsError, AwsErrorKind};

/// Requests at once.
const CONCURRENCY: usize = 10;
/// Maximum number of pages of 50 workgroups.
const MAX_PAGES: usize = 40;

/// Whose a workgroup is, by Quilt's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkgroupKind {
    /// Of one role of the catalog.
    Role,
    /// Of all roles that the catalog does not manage.
    Shared,
    /// None of Quilt's.
    Other,
    /// Of users outside of the catalog.
    OpenQuery,
}

impl WorkgroupKind {
    fn of(name: &str) -> Self {
        if name.starts_with("QuiltTabulatorOpenQuery-") {
            Self::OpenQuery
        } else if !name.starts_with("QuiltUserAthena-") {
            Self::Other
        } else if name.ends_with("NonManagedRoleWorkgroup") {
            Self::Shared
        } else {
            Self::Role
        }
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Shared => "shared",
            Self::Other => "other",
            Self::OpenQuery => "open_query",
        }
    }
}

/// A workgroup that the caller may use.
#[derive(Debug, Clone)]
pub struct Workgroup {
    pub name: String,
    pub kind: WorkgroupKind,
    pub description: Option<String>,
    /// The bytes that a query may scan.
    pub bytes_limit: Option<i64>,
    pub is_enforced: bool,
    pub engine: Option<String>,
    /// Whether Athena keeps the results itself.
    pub has_managed_results: bool,
}

impl Workgroup {
    /// Whether its engine is that of Spark, such as `PySpark engine version 3`.
    fn runs_spark(&self) -> bool {
        self.engine.as_deref().is_some_and(|engine| engine.contains("Spark"))
    }
}

/// A workgroup that cannot be used.
#[derive(Debug, Clone)]
pub struct WorkgroupProblem {
    pub name: String,
    pub reason: String,
}

/// The workgroups of a caller, ordered by name.
#[derive(Debug, Clone, Default)]
pub struct Workgroups {
    pub usable: Vec<Workgroup>,
    pub unusable: Vec<WorkgroupProblem>,
    /// The error because of which the list may lack some.
    pub incomplete: Option<AwsError>,
}

impl Workgroups {
    /// Returns the workgroup of queries that name none.
    pub fn default_name(&self) -> Result<&str, Box<AthenaError>> {
        let candidates: Vec<&Workgroup> = self
            .usable
            .iter()
            .filter(|group| group.kind != WorkgroupKind::OpenQuery && !group.name.ends_with("-audit"))
            .collect();
        let best = candidates.iter().map(|group| group.kind).min();
        // The role's own may be among those that could not be read.
        if let Some(error) = self.incomplete.as_ref().filter(|_| best != Some(WorkgroupKind::Role)) {
            return Err(Box::new(error.clone().into()));
        }
        let mut best = candidates.iter().filter(|group| Some(group.kind) == best);
        let error = match (best.next(), best.next()) {
            (Some(only), None) => return Ok(&only.name),
            (Some(_), Some(_)) => AthenaError::SeveralWorkgroups(self.names()),
            (None, _) if !self.usable.is_empty() => AthenaError::SeveralWorkgroups(self.names()),
            (None, _) => AthenaError::NoWorkgroup(self.unusable.clone()),
        };
        Err(Box::new(error))
    }

    fn names(&self) -> Vec<String> {
        self.usable.iter().map(|group| group.name.clone()).collect()
    }
}

enum Probe {
    Usable(Workgroup),
    Unusable(WorkgroupProblem),
    Unknown(AwsError),
}

impl UserQueries {
    /// Lists the workgroups that the caller may use.
    pub async fn workgroups(&self) -> Result<Arc<Workgroups>, AthenaError> {
        let mut names = Vec::new();
        let mut next_token: Option<String> = None;
        let mut incomplete = None;
        for page_number in 0..MAX_PAGES {
            match self.aws.list_work_groups(next_token.as_deref()).await {
                Ok(page) => {
                    names.extend(page.items);
                    next_token = page.next_token;
                }
                Err(error) if page_number == 0 => return Err(error.into()),
                Err(error) => {
                    incomplete = Some(error);
                    next_token = None;
                }
            }
            if next_token.is_none() {
                break;
            }
        }
        let mut found = Workgroups::default();
        let mut probes = stream::iter(names)
            .map(|name| self.probe(name))
            .buffer_unordered(CONCURRENCY);
        while let Some(probe) = probes.next().await {
            match probe {
                Probe::Usable(group) => found.usable.push(group),
                Probe::Unusable(problem) => found.unusable.push(problem),
                Probe::Unknown(error) => incomplete = Some(error),
            }
        }
        found.incomplete = incomplete;
        found.usable.sort_by(|a, b| a.name.cmp(&b.name));
        found.unusable.sort_by(|a, b| a.name.cmp(&b.name));
        let found = Arc::new(found);
        if found.incomplete.is_none() {
            self.remember_workgroups(found.clone());
        }
        Ok(found)
    }

    /// Returns the workgroup to use: the one that is named, else the caller's own.
    pub async fn workgroup(&self, named: Option<&str>) -> Result<String, AthenaError> {
        if let Some(name) = named {
            return Ok(name.to_owned());
        }
        let groups = match self.remembered_workgroups() {
            Some(groups) => groups,
            None => self.workgroups().await?,
        };
        groups.default_name().map(str::to_owned).map_err(|error| *error)
    }

    /// Returns the number of bytes that a query of a workgroup may scan, if it is known or can be read.
    pub async fn bytes_limit(&self, workgroup: &str) -> Option<i64> {
        match self.probe(workgroup.to_owned()).await {
            Probe::Usable(group) => group.bytes_limit,
            Probe::Unusable(_) | Probe::Unknown(_) => None,
        }
    }

    async fn probe(&self, name: String) -> Probe {
        let unusable = |name: String, reason: &str| {
            Probe::Unusable(WorkgroupProblem {
                name,
                reason: reason.to_owned(),
            })
        };
        let group = match self.aws.work_group(&name).await {
            Ok(Some(group)) => group,
            Ok(None) => return unusable(name, "Athena says nothing of it"),
            Err(error) if error.kind == AwsErrorKind::AccessDenied => {
                return unusable(name, "it is not for this caller");
            }
            Err(error) if error.kind == AwsErrorKind::InvalidRequest => return unusable(name, &error.description()),
            Err(error) => return Probe::Unknown(error),
        };
        if group.state == Some(WorkGroupState::Disabled) {
            return unusable(name, "it is disabled");
        }
        match usable(group) {
            Some(group) if group.runs_spark() => unusable(name, "it runs Spark and no SQL"),
            Some(group) => Probe::Usable(group),
            None => unusable(name, "it names no place for results"),
        }
    }
}

fn usable(group: WorkGroup) -> Option<Workgroup> {
    let configuration = group.configuration?;
    let managed = configuration.managed_query_results_configuration;
    let has_managed_results = managed.is_some_and(|managed| managed.enabled);
    let location = configuration
        .result_configuration
        .and_then(|result| result.output_location);
    if !has_managed_results && location.is_none_or(|location| location.is_empty()) {
        return None;
    }
    let engine = configuration.engine_version;
    Some(Workgroup {
        kind: WorkgroupKind::of(&group.name),
        name: group.name,
        description: group.description.filter(|text| !text.is_empty()),
        bytes_limit: configuration.bytes_scanned_cutoff_per_query,
        is_enforced: configuration.enforce_work_group_configuration.unwrap_or(false),
        engine: engine.and_then(|engine| engine.effective_engine_version.or(engine.selected_engine_version)),
        has_managed_results,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{Operation, Resource};

    fn groups(names: &[&str]) -> Workgroups {
        let usable = names.iter().map(|name| Workgroup {
            name: (*name).to_owned(),
            kind: WorkgroupKind::of(name),
            description: None,
            bytes_limit: None,
            is_enforced: true,
            engine: None,
            has_managed_results: false,
        });
        Workgroups {
            usable: usable.collect(),
            ..Workgroups::default()
        }
    }

    #[test]
    fn the_roles_own_workgroup_is_meant() {
        for (names, meant) in [
            (
                vec![
                    "primary",
                    "QuiltUserAthena-s-NonManagedRoleWorkgroup",
                    "QuiltUserAthena-s-A",
                ],
                "QuiltUserAthena-s-A",
            ),
            (
                vec!["primary", "QuiltUserAthena-s-NonManagedRoleWorkgroup"],
                "QuiltUserAthena-s-NonManagedRoleWorkgroup",
            ),
            (vec!["primary", "QuiltTabulatorOpenQuery-s", "x-audit"], "primary"),
        ] {
            assert_eq!(groups(&names).default_name().unwrap(), meant);
        }
        for several in [
            vec!["a", "b"],
            vec!["QuiltUserAthena-A", "QuiltUserAthena-B"],
            vec!["QuiltTabulatorOpenQuery-s"],
        ] {
            let error = groups(&several).default_name().unwrap_err();
            assert!(matches!(*error, AthenaError::SeveralWorkgroups(names) if names.len() == several.len()));
        }
        let error = groups(&[]).default_name().unwrap_err();
        assert!(matches!(*error, AthenaError::NoWorkgroup(_)));
        // The role's own may be missing from an incomplete list.
        let operation = Operation {
            service: "Athena",
            action: "athena:GetWorkGroup",
            resource: Resource::Service,
        };
        let incomplete = |names: &[&str]| Workgroups {
            incomplete: Some(AwsError::new(AwsErrorKind::Throttled, operation)),
            ..groups(names)
        };
        for names in [&[][..], &["primary"], &["QuiltUserAthena-s-NonManagedRoleWorkgroup"]] {
            let error = incomplete(names).default_name().unwrap_err();
            assert!(matches!(*error, AthenaError::Aws(_)), "{names:?}");
        }
        let names = ["primary", "QuiltUserAthena-s-A"];
        assert_eq!(incomplete(&names).default_name().unwrap(), "QuiltUserAthena-s-A");
    }
}
