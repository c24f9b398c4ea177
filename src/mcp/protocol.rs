//! Supported versions and methods of the protocol.

use std::fmt;

use rmcp::model::ProtocolVersion;

use crate::telemetry::text::UNKNOWN;

/// A supported version of MCP. Later ones are greater.
///
/// 2024-11-05 is not among them: its HTTP with SSE transport is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 2025-03-26, which requests without `MCP-Protocol-Version` use.
    V2025March,
    /// 2025-06-18, the first with structured results and links to resources.
    V2025June,
    /// 2025-11-25, the last with a handshake.
    V2025November,
    /// 2026-07-28: every request describes itself in its headers and in `_meta`.
    V2026July,
}

impl Version {
    /// Every version, oldest first.
    pub const ALL: [Self; 4] = [Self::V2025March, Self::V2025June, Self::V2025November, Self::V2026July];
    /// The version of a request that names none (2025-06-18, "Protocol Version Header").
    pub const DEFAULT: Self = Self::V2025March;
    /// The last version that has a handshake.
    const LATEST_WITH_HANDSHAKE: Self = Self::V2025November;

    /// The version as it appears on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2025March => "2025-03-26",
            Self::V2025June => "2025-06-18",
            Self::V2025November => "2025-11-25",
            Self::V2026July => "2026-07-28",
        }
    }

    /// Parses the name of a supported version.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == text)
    }

    /// Answers the version that `initialize` proposes: the same if it has a handshake, else the latest that has.
    #[must_use]
    pub fn negotiate(proposed: &str) -> Self {
        Self::parse(proposed)
            .filter(|version| version.has_handshake())
            .unwrap_or(Self::LATEST_WITH_HANDSHAKE)
    }

    /// Whether clients begin with `initialize`, and results and errors have the form that they had with it.
    #[must_use]
    pub fn has_handshake(self) -> bool {
        self <= Self::LATEST_WITH_HANDSHAKE
    }

    /// Whether requests and results describe themselves: `_meta`, `Mcp-Method`, `resultType`, caching hints.
    #[must_use]
    pub fn is_self_describing(self) -> bool {
        !self.has_handshake()
    }

    /// Whether results may contain links to resources.
    #[must_use]
    pub fn has_resource_links(self) -> bool {
        self >= Self::V2025June
    }

    pub(super) fn to_model(self) -> ProtocolVersion {
        match self {
            Self::V2025March => ProtocolVersion::V_2025_03_26,
            Self::V2025June => ProtocolVersion::V_2025_06_18,
            Self::V2025November => ProtocolVersion::V_2025_11_25,
            Self::V2026July => ProtocolVersion::V_2026_07_28,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A method that this server implements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The handshake of versions before 2026-07-28.
    Initialize,
    /// Liveness check of versions before 2026-07-28.
    Ping,
    /// Discovery, from 2026-07-28 on.
    Discover,
    /// The list of tools.
    ListTools,
    /// A call of a tool.
    CallTool,
    /// The list of resources.
    ListResources,
    /// The list of resource templates.
    ListResourceTemplates,
    /// The contents of a resource.
    ReadResource,
    /// The list of prompts.
    ListPrompts,
    /// A prompt with its arguments filled in.
    GetPrompt,
    /// Completions of an argument.
    Complete,
    /// The list of skills, of the extension of that name.
    ListSkills,
    /// One skill.
    GetSkill,
}

/// Names of methods that MCP and its extensions define and this server does not implement, and of notifications. They
/// appear in logs as they are; every other name there is unknown.
const NOT_IMPLEMENTED: [&str; 11] = [
    "resources/subscribe",
    "resources/unsubscribe",
    "logging/setLevel",
    "subscriptions/listen",
    "tasks/get",
    "tasks/cancel",
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/message",
    "notifications/roots/list_changed",
];

impl Method {
    const ALL: [Self; 13] = [
        Self::Initialize,
        Self::Ping,
        Self::Discover,
        Self::ListTools,
        Self::CallTool,
        Self::ListResources,
        Self::ListResourceTemplates,
        Self::ReadResource,
        Self::ListPrompts,
        Self::GetPrompt,
        Self::Complete,
        Self::ListSkills,
        Self::GetSkill,
    ];

    /// The method as it appears on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Ping => "ping",
            Self::Discover => "server/discover",
            Self::ListTools => "tools/list",
            Self::CallTool => "tools/call",
            Self::ListResources => "resources/list",
            Self::ListResourceTemplates => "resources/templates/list",
            Self::ReadResource => "resources/read",
            Self::ListPrompts => "prompts/list",
            Self::GetPrompt => "prompts/get",
            Self::Complete => "completion/complete",
            Self::ListSkills => "skills/list",
            Self::GetSkill => "skills/get",
        }
    }

    /// Parses a method's name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }

    /// Whether a version of the protocol has this method.
    #[must_use]
    pub fn is_in(self, version: Version) -> bool {
        match self {
            Self::Initialize | Self::Ping => version.has_handshake(),
            _ => true,
        }
    }

    /// Whether the method is for discovery and reads no user's data.
    #[must_use]
    pub const fn is_discovery(self) -> bool {
        matches!(
            self,
            Self::Initialize
                | Self::Ping
                | Self::Discover
                | Self::ListTools
                | Self::ListResources
                | Self::ListResourceTemplates
                | Self::ListPrompts
                | Self::ListSkills
                | Self::GetSkill
        )
    }
}

/// Returns the name of a method for logs: a fixed string, never the client's text.
pub(super) fn log_name(name: &str) -> &'static str {
    match Method::parse(name) {
        Some(method) => method.as_str(),
        None => NOT_IMPLEMENTED
            .into_iter()
            .find(|known| *known == name)
            .unwrap_or(UNKNOWN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_model() {
        for version in Version::ALL {
            assert_eq!(version.as_str(), version.to_model().as_str());
            assert_eq!(Version::parse(version.as_str()), Some(version));
        }
        assert!(Version::ALL.is_sorted());
    }

    #[test]
    fn a_version_without_handshake_is_never_negotiated() {
        for (proposed, answered) in [
            ("2025-03-26", "2025-03-26"),
            ("2025-06-18", "2025-06-18"),
            ("2026-07-28", "2025-11-25"),
            ("2024-11-05", "2025-11-25"),
            ("2099-01-01", "2025-11-25"),
            ("", "2025-11-25"),
        ] {
            assert_eq!(Version::negotiate(proposed).as_str(), answered, "{proposed}");
        }
    }

    #[test]
    fn only_names_of_the_protocol_are_logged() {
        for (name, logged) in [
            ("tools/call", "tools/call"),
            ("notifications/cancelled", "notifications/cancelled"),
            ("tools/burn", UNKNOWN),
            ("", UNKNOWN),
        ] {
            assert_eq!(log_name(name), logged);
        }
    }

    #[test]
    fn the_handshake_is_gone_from_2026() {
        let gone: Vec<&str> = Method::ALL
            .into_iter()
            .filter(|method| !method.is_in(Version::V2026July))
            .map(Method::as_str)
            .collect();
        assert_eq!(gone, ["initialize", "ping"]);
    }
}
