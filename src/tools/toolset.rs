//! Toolsets: groups of tools that are switched on and off together.

/// A group of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolset {
    /// Buckets and objects.
    Buckets,
    /// Packages and workflows.
    Packaging,
    /// Permissions of the caller.
    Permissions,
    /// Identity and credentials of the caller.
    Auth,
    /// Search of the catalog.
    Search,
    /// Queries of Athena.
    Athena,
}

impl Toolset {
    pub const ALL: [Self; 6] = [
        Self::Buckets,
        Self::Packaging,
        Self::Permissions,
        Self::Auth,
        Self::Search,
        Self::Athena,
    ];

    /// Returns the name as it appears in settings and documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buckets => "buckets",
            Self::Packaging => "packaging",
            Self::Permissions => "permissions",
            Self::Auth => "auth",
            Self::Search => "search",
            Self::Athena => "athena",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Buckets => 1,
            Self::Packaging => 2,
            Self::Permissions => 4,
            Self::Auth => 8,
            Self::Search => 16,
            Self::Athena => 32,
        }
    }
}

/// A set of toolsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Toolsets(u8);

impl Toolsets {
    pub const ALL: Self = Self(0b11_1111);

    #[must_use]
    pub fn include(self, toolset: Toolset) -> bool {
        self.0 & toolset.bit() != 0
    }

    /// Returns the intersection of both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl std::str::FromStr for Toolsets {
    type Err = String;

    /// Parses a comma-separated list of names, or `all`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().eq_ignore_ascii_case("all") {
            return Ok(Self::ALL);
        }
        text.split(',').map(str::trim).try_fold(Self(0), |chosen, name| {
            let toolset = Toolset::ALL
                .into_iter()
                .find(|toolset| toolset.as_str().eq_ignore_ascii_case(name))
                .ok_or_else(|| {
                    let quoted: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                    format!(
                        "`{quoted}` is not a toolset; expected a comma-separated list of buckets, packaging, permissions, auth, search and athena"
                    )
                })?;
            Ok(Self(chosen.0 | toolset.bit()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toolsets_are_named_and_what_is_no_toolset_is_refused() {
        let some: Toolsets = " buckets , auth".parse().unwrap();
        assert!(some.include(Toolset::Buckets) && some.include(Toolset::Auth));
        assert!(!some.include(Toolset::Packaging) && !some.include(Toolset::Permissions));
        assert_eq!("all".parse(), Ok(Toolsets::ALL));
        assert_eq!(Toolsets::ALL.and(some), some);
        for bad in ["", "tabulator", "buckets,", "Bucket", "all,auth"] {
            let problem = bad.parse::<Toolsets>().unwrap_err();
            assert!(
                problem.contains("buckets, packaging, permissions, auth, search and athena"),
                "{problem}"
            );
        }
    }
}
