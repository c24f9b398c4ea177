//! Denials as AWS explains them.
//!
//! Since 2024 S3 names the principal, the action and the kind of policy to callers of the same account, as other services
//! do:
//! `User: ARN is not authorized to perform: ACTION on resource: "ARN" because no KIND policy allows the ACTION action` or
//! `… with an explicit deny in a KIND policy`. Elsewhere it says `Access Denied` and no more.

/// The denial of an action, as AWS explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// ARN of the principal.
    pub principal: String,
    /// IAM action, such as `s3:PutObject`.
    pub action: String,
    pub resource: Option<String>,
    /// The reason, as AWS gives it.
    pub reason: Option<String>,
}

impl Denial {
    /// Reads the message of an error; `None` when it explains nothing.
    #[must_use]
    pub fn parse(message: &str) -> Option<Self> {
        let (principal, rest) = message
            .strip_prefix("User: ")?
            .split_once(" is not authorized to perform: ")?;
        let (action, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let mut reason_at = rest.len();
        for marker in ["because ", "with an explicit deny"] {
            reason_at = rest.find(marker).map_or(reason_at, |at| at.min(reason_at));
        }
        let (resource, reason) = rest.split_at_checked(reason_at)?;
        let resource = resource
            .strip_prefix("on resource: ")
            .map(|text| text.trim().trim_matches('"').to_owned());
        let reason = Some(reason.trim().trim_end_matches('.').to_owned()).filter(|text| !text.is_empty());
        Some(Self {
            principal: principal.to_owned(),
            action: action.trim_end_matches('.').to_owned(),
            resource,
            reason,
        })
    }

    /// Returns the kind of policy that decided, such as `session policy`.
    #[must_use]
    pub fn policy_type(&self) -> Option<&str> {
        let reason = self.reason.as_deref()?;
        if let Some((kind, _)) = reason
            .strip_prefix("because no ")
            .and_then(|rest| rest.split_once(" allows"))
        {
            return Some(kind);
        }
        let rest = reason.strip_prefix("with an explicit deny in ")?;
        let rest = rest
            .strip_prefix("an ")
            .or_else(|| rest.strip_prefix("a "))
            .unwrap_or(rest);
        // AWS may name the policy itself behind a colon.
        let kind = rest.split(':').next()?;
        Some(kind.trim()).filter(|kind| !kind.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_s3_says_and_no_more() {
        let message = "User: arn:aws:sts::123456789012:assumed-role/r/alice is not authorized to perform: s3:PutObject on \
                       resource: \"arn:aws:s3:::b/a key.csv\" because no session policy allows the s3:PutObject action";
        let denial = Denial::parse(message).unwrap();
        assert_eq!(denial.principal, "arn:aws:sts::123456789012:assumed-role/r/alice");
        assert_eq!(denial.action, "s3:PutObject");
        assert_eq!(denial.resource.as_deref(), Some("arn:aws:s3:::b/a key.csv"));
        assert_eq!(
            denial.reason.as_deref(),
            Some("because no session policy allows the s3:PutObject action")
        );

        let explicit = "User: arn:u is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::b/k\" with an \
                        explicit deny in a resource-based policy";
        let reason = Denial::parse(explicit).unwrap().reason;
        assert_eq!(
            reason.as_deref(),
            Some("with an explicit deny in a resource-based policy")
        );

        let kind = |reason: &str| {
            let denial = Denial::parse(&format!(
                "User: u is not authorized to perform: s3:X on resource: \"r\" {reason}"
            ));
            denial.unwrap().policy_type().map(str::to_owned)
        };
        for (reason, expected) in [
            (
                "because no session policy allows the s3:X action",
                Some("session policy"),
            ),
            (
                "because no identity-based policy allows the s3:X action",
                Some("identity-based policy"),
            ),
            (
                "because no permissions boundary allows the s3:X action",
                Some("permissions boundary"),
            ),
            (
                "with an explicit deny in a resource-based policy",
                Some("resource-based policy"),
            ),
            (
                "with an explicit deny in an identity-based policy: arn:aws:iam::1:policy/p",
                Some("identity-based policy"),
            ),
            ("with an explicit deny", None),
            ("", None),
        ] {
            assert_eq!(kind(reason).as_deref(), expected, "{reason}");
        }

        assert_eq!(
            Denial::parse("User: u is not authorized to perform: s3:X")
                .unwrap()
                .resource,
            None
        );
        for silent in ["Access Denied", "Access Denied.", "", "User: x"] {
            assert_eq!(Denial::parse(silent), None);
        }
    }
}
