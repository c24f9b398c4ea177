//! Settings of the credential chain: ambient credentials, calls without a token and assumable roles.

use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};
use secrecy::SecretString;

use crate::setting::parse;

/// The permission of the server's own AWS credentials in calls for which no other source has credentials.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum AmbientPolicy {
    /// They are not used.
    Never,
    /// They read only.
    #[default]
    ReadOnly,
    /// They read and write, for a server with a single user.
    Full,
}

/// A role ARN, or a pattern of role ARNs with `*` in its path.
#[derive(Debug, Clone)]
pub struct RolePattern {
    account_prefix: String,
    partition: String,
    path: GlobMatcher,
}

impl RolePattern {
    /// Returns the partition of AWS, such as `aws-us-gov`.
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// Whether the pattern matches the ARN.
    #[must_use]
    pub fn allows(&self, arn: &str) -> bool {
        arn.strip_prefix(&self.account_prefix)
            .is_some_and(|path| self.path.is_match(path))
    }
}

impl FromStr for RolePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            format!("`{text}` is not a role ARN; expected arn:aws:iam::123456789012:role/NAME, with * in the path only")
        };
        let text = text.trim();
        let (head, path) = text.split_once(":role/").ok_or_else(bad)?;
        let (partition, account) = head
            .strip_prefix("arn:")
            .and_then(|rest| rest.split_once(":iam::"))
            .ok_or_else(bad)?;
        let is_partition = partition
            .strip_prefix("aws")
            .is_some_and(|rest| rest.bytes().all(|b| b == b'-' || b.is_ascii_lowercase()));
        if !is_partition {
            return Err(bad());
        }
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) || path.is_empty() || path == "*" {
            return Err(bad());
        }
        let is_all_pattern = path.chars().all(|c| "*/".contains(c));
        if path.contains("**")
            || is_all_pattern
            || !path
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_+=,.@-/*".contains(c))
        {
            return Err(bad());
        }
        let path = GlobBuilder::new(path)
            .literal_separator(true)
            .build()
            .map_err(|_| bad())?
            .compile_matcher();
        Ok(Self {
            account_prefix: format!("{head}:role/"),
            partition: partition.to_owned(),
            path,
        })
    }
}

#[derive(Debug, Clone, clap::Args)]
pub struct RightsConfig {
    /// Calls without a token use the server's own AWS credentials; for a server with a single user, on loopback only
    #[arg(long, env = "QUILT_MCP_ANONYMOUS", default_value = "false", num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set, value_parser = parse::switch)]
    pub anonymous: bool,
    /// Bearer token for calls without one, for a server with a single user, on loopback only: a JWT, a `qk_…` key, or
    /// quilt3's refresh token, which the registry exchanges and renews
    #[arg(long, env = "QUILT_API_TOKEN", hide_env_values = true, value_parser = parse::secret)]
    pub api_token: Option<SecretString>,
    /// Alias of `QUILT_API_TOKEN`
    #[arg(long, env = "QUILT_API_KEY", hide = true, hide_env_values = true, value_parser = parse::secret)]
    pub api_key: Option<SecretString>,
    /// What the server's own AWS credentials may do if no other source has credentials for the caller: `never`, `read-only`
    /// or `full`
    #[arg(long, env = "QUILT_MCP_AMBIENT", value_enum, default_value = "read-only")]
    pub ambient: AmbientPolicy,
    /// Comma-separated role ARNs (with `*` in the path only) that the `role_arn` claim of a verified token may name
    #[arg(long, env = "QUILT_MCP_ASSUMABLE_ROLES", value_delimiter = ',')]
    pub assumable_roles: Vec<RolePattern>,
    /// ARN of a role for which tokens of the identity provider (`jwks`) are exchanged with `AssumeRoleWithWebIdentity`
    #[arg(long, env = "QUILT_MCP_WEB_IDENTITY_ROLE_ARN", value_parser = role_arn)]
    pub web_identity_role_arn: Option<String>,
    /// Claim of a verified token that becomes the name and the source identity of role sessions. Characters that STS does not
    /// take are escaped (`=7C` for `|`)
    #[arg(long, env = "QUILT_MCP_SESSION_NAME_CLAIM", default_value = "sub", value_parser = claim_name)]
    pub session_name_claim: String,
}

impl Default for RightsConfig {
    fn default() -> Self {
        Self {
            anonymous: false,
            api_token: None,
            api_key: None,
            ambient: AmbientPolicy::default(),
            assumable_roles: Vec::new(),
            web_identity_role_arn: None,
            session_name_claim: "sub".to_owned(),
        }
    }
}

impl RightsConfig {
    /// Returns the server's own token, from either setting.
    #[must_use]
    pub fn server_token(&self) -> Option<&SecretString> {
        self.api_token.as_ref().or(self.api_key.as_ref())
    }
}

/// Parses the name of a claim.
fn claim_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().any(|c| c.is_control() || c.is_whitespace() || c == '"') {
        return Err(format!(
            "`{}` is not the name of a claim; expected one such as sub or email",
            text.escape_debug()
        ));
    }
    Ok(name.to_owned())
}

/// Parses the ARN of one role, without `*`.
fn role_arn(text: &str) -> Result<String, String> {
    let is_pattern = text.contains('*');
    let _: RolePattern = text.parse()?;
    if is_pattern {
        Err(format!("`{text}` is a pattern; expected the ARN of one role"))
    } else {
        Ok(text.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_stay_within_one_account_and_one_path_level() {
        let pattern: RolePattern = "arn:aws:iam::123456789012:role/quilt/*".parse().unwrap();
        assert!(pattern.allows("arn:aws:iam::123456789012:role/quilt/reader"));
        assert!(
            !pattern.allows("arn:aws:iam::123456789012:role/quilt/a/b"),
            "* does not cross a slash"
        );
        assert!(
            !pattern.allows("arn:aws:iam::210987654321:role/quilt/reader"),
            "another account"
        );
        assert!(!pattern.allows("arn:aws:iam::123456789012:role/admin"));
    }

    #[test]
    fn roles_of_every_partition() {
        for partition in ["aws", "aws-cn", "aws-us-gov", "aws-iso-b", "aws-eusc"] {
            let pattern: RolePattern = format!("arn:{partition}:iam::123456789012:role/x").parse().unwrap();
            assert_eq!(pattern.partition(), partition);
        }
        for bad in ["azure", "aws-*", "AWS", "", "aws1"] {
            assert!(
                format!("arn:{bad}:iam::123456789012:role/x")
                    .parse::<RolePattern>()
                    .is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn refuses_patterns_that_cover_too_much() {
        for bad in [
            "*",
            "arn:aws:iam::*:role/x",
            "arn:aws:iam::123456789012:role/*",
            "arn:aws:iam::123456789012:role/**",
            "arn:aws:iam::123456789012:role/*/*",
            "arn:aws:iam::123456789012:role/quilt/**",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:iam::1234:role/x",
            "arn:aws:iam::123456789012:role/[a]",
        ] {
            assert!(bad.parse::<RolePattern>().is_err(), "{bad}");
        }
    }
}
