//! Skills (extension `io.modelcontextprotocol/skills`, SEP-2640): instructions for tasks that take several tools, as files that
//! are read like resources.

use rmcp::model::{CacheScope, GetSkillResult, Skill, SkillFrontmatter, SkillResource, SkillResources};

use super::discovery::{LISTS_TTL_MS, server_meta};
use super::{Answer, RpcError, Version};
use crate::error_code::ErrorCode;
use crate::tools::{ToolFilter, Toolset};

/// A skill of one file.
pub(super) struct OwnSkill {
    pub uri: &'static str,
    name: &'static str,
    /// The toolset that it is about.
    pub toolset: Toolset,
    /// `SKILL.md`, with its front matter.
    pub text: &'static str,
}

pub(super) const SKILLS: [OwnSkill; 2] = [
    OwnSkill {
        uri: "skill://build-a-package/SKILL.md",
        name: "build-a-package",
        toolset: Toolset::Packaging,
        text: include_str!("skills/build-a-package/SKILL.md"),
    },
    OwnSkill {
        uri: "skill://find-and-read/SKILL.md",
        name: "find-and-read",
        toolset: Toolset::Buckets,
        text: include_str!("skills/find-and-read/SKILL.md"),
    },
];

impl OwnSkill {
    fn to_model(&self) -> Skill {
        let frontmatter = SkillFrontmatter::new(self.name, self.description());
        let file = SkillResource::from_bytes(self.uri, self.text.as_bytes());
        Skill::new(self.uri, frontmatter, SkillResources::Files(vec![file]))
    }

    /// Returns the description of the front matter.
    fn description(&self) -> &'static str {
        let mut lines = self.text.lines();
        lines
            .find_map(|line| line.strip_prefix("description: "))
            .unwrap_or_default()
    }
}

/// The skills of the toolsets that are on.
pub(super) fn list(filter: ToolFilter) -> Vec<Skill> {
    let skills = SKILLS.iter().filter(|skill| filter.includes(skill.toolset));
    skills.map(OwnSkill::to_model).collect()
}

/// The skill whose `SKILL.md` has this URI.
pub(super) fn get(uri: &str, filter: ToolFilter, version: Version) -> Result<Answer, RpcError> {
    let found = SKILLS
        .iter()
        .find(|skill| skill.uri == uri && filter.includes(skill.toolset));
    let Some(skill) = found else {
        let message = "There is no skill with this uri; skills/list shows the skills.";
        return Err(RpcError::new(ErrorCode::NoSuchResource, message));
    };
    let mut result = GetSkillResult::new(skill.to_model());
    result.meta = server_meta(version).cloned();
    if version.has_handshake() {
        (result.result_type, result.ttl_ms, result.cache_scope) = (None, None, None);
    } else {
        (result.ttl_ms, result.cache_scope) = (Some(LISTS_TTL_MS), Some(CacheScope::Public));
    }
    Answer::of(&result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skills_are_valid_and_match_their_front_matter() {
        for skill in &SKILLS {
            skill.to_model().validate().unwrap();
            let front = format!("---\nname: {}\ndescription: {}\n---\n", skill.name, skill.description());
            assert!(skill.text.starts_with(&front), "{}", skill.name);
            assert!((1..=1024).contains(&skill.description().len()), "{}", skill.name);
        }
    }

    /// A skill that names a tool or an argument that does not exist misleads.
    #[test]
    fn skills_name_tools_that_exist() {
        let tools = crate::tools::all();
        for skill in &SKILLS {
            let named = skill.text.split('`').skip(1).step_by(2);
            let tools_named = named.filter(|name| {
                let begins = |prefix: &str| name.starts_with(prefix);
                [
                    "bucket_",
                    "package_",
                    "athena_",
                    "search_",
                    "auth_",
                    "permissions_",
                    "workflow_",
                ]
                .into_iter()
                .any(begins)
            });
            let mut count = 0;
            for name in tools_named {
                assert!(tools.iter().any(|tool| tool.name == name), "{}: {name}", skill.name);
                count += 1;
            }
            assert!(count > 5, "{}", skill.name);
        }
    }
}
