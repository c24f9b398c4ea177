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
    /// Tabulator tables.
    Tabulator,
    /// Links to the catalog.
    Catalog,
    /// The caller's account in the catalog. On only if the operator names it.
    Account,
}

impl Toolset {
    pub const ALL: [Self; 9] = [
        Self::Buckets,
        Self::Packaging,
        Self::Permissions,
        Self::Auth,
        Self::Search,
        Self::Athena,
        Self::Tabulator,
        Self::Catalog,
        Self::Account,
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
            Self::Tabulator => "tabulator",
            Self::Catalog => "catalog",
            Self::Account => "account",
        }
    }

    /// Whether its tools ask the registry, and so are listed only where one is known.
    #[must_use]
    pub fn needs_registry(self) -> bool {
        matches!(self, Self::Search | Self::Tabulator | Self::Account)
    }

    /// Whether it is among the toolsets that are on by default.
    fn is_default(self) -> bool {
        self != Self::Account
    }

    fn bit(self) -> u16 {
        match self {
            Self::Buckets => 1,
            Self::Packaging => 2,
            Self::Permissions => 4,
            Self::Auth => 8,
            Self::Search => 16,
            Self::Athena => 32,
            Self::Tabulator => 64,
            Self::Catalog => 128,
            Self::Account => 256,
        }
    }
}

/// A set of toolsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Toolsets(u16);

/// The name of the toolsets that are on by default, and its name in older versions.
const DEFAULT: [&str; 2] = ["default", "all"];

impl Toolsets {
    /// Returns every toolset.
    #[must_use]
    pub fn all() -> Self {
        Self::of(|_| true)
    }

    fn of(is_in: impl Fn(Toolset) -> bool) -> Self {
        let bits = Toolset::ALL.into_iter().filter(|toolset| is_in(*toolset));
        Self(bits.fold(0, |bits, toolset| bits | toolset.bit()))
    }

    #[must_use]
    pub fn include(self, toolset: Toolset) -> bool {
        self.0 & toolset.bit() != 0
    }

    /// Returns the intersection of both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Parses the name of a toolset or of those that are on by default.
    fn named(name: &str) -> Option<Self> {
        if DEFAULT.iter().any(|default| default.eq_ignore_ascii_case(name)) {
            return Some(Self::of(Toolset::is_default));
        }
        let toolset = Toolset::ALL
            .into_iter()
            .find(|toolset| toolset.as_str().eq_ignore_ascii_case(name))?;
        Some(Self(toolset.bit()))
    }
}

impl std::str::FromStr for Toolsets {
    type Err = String;

    /// Parses a comma-separated list of names, of which `default` names every toolset but `account`.
    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).try_fold(Self(0), |chosen, name| {
            let named = Self::named(name).ok_or_else(|| {
                let quoted: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                let known = Toolset::ALL.map(Toolset::as_str).join(", ");
                format!("`{quoted}` is not a toolset; expected a comma-separated list of default, {known}")
            })?;
            Ok(Self(chosen.0 | named.0))
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
        assert_eq!(Toolsets::all().and(some), some);
        for bad in ["", "athene", "buckets,", "Bucket", "default account"] {
            let problem = bad.parse::<Toolsets>().unwrap_err();
            assert!(
                problem.contains(
                    "default, buckets, packaging, permissions, auth, search, athena, tabulator, catalog, account"
                ),
                "{problem}"
            );
        }
    }

    #[test]
    fn account_is_on_only_by_its_name() {
        for default in ["default", "all", " Default ", "default,auth"] {
            let toolsets: Toolsets = default.parse().unwrap();
            for toolset in Toolset::ALL {
                assert_eq!(toolsets.include(toolset), toolset != Toolset::Account, "{default}");
            }
        }
        for everything in ["default,account", "ACCOUNT, all"] {
            assert_eq!(everything.parse(), Ok(Toolsets::all()), "{everything}");
        }
        let account: Toolsets = "account".parse().unwrap();
        assert!(account.include(Toolset::Account) && !account.include(Toolset::Auth));
    }
}
