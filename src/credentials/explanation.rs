//! Explanations of the chain for one token, made from settings and claims without any request.

use super::{Outcome, Source};
use crate::identity::{AuthenticatedCaller, Claims, VerifyMode};

/// A token as an explanation sees it: its claims, and how they would be proved.
pub struct TokenView<'a> {
    claims: Option<&'a Claims>,
    proof: Option<VerifyMode>,
}

impl<'a> TokenView<'a> {
    /// The view of a server that proved the token.
    #[must_use]
    pub fn proved(caller: &'a AuthenticatedCaller) -> Self {
        Self {
            claims: caller.claims(),
            proof: Some(caller.verified_by()),
        }
    }

    /// The view of a server to which the token is opaque.
    #[must_use]
    pub fn opaque() -> Self {
        Self {
            claims: None,
            proof: Some(VerifyMode::Registry),
        }
    }

    /// The view of a token that could not be proved here; the server may prove it.
    #[must_use]
    pub fn unproved(claims: &'a Claims) -> Self {
        Self {
            claims: Some(claims),
            proof: None,
        }
    }

    /// Returns the claims; absent for opaque tokens.
    #[must_use]
    pub fn claims(&self) -> Option<&'a Claims> {
        self.claims
    }

    /// Returns how the token is proved; absent if that could not be found out here.
    #[must_use]
    pub fn verified_by(&self) -> Option<VerifyMode> {
        self.proof
    }
}

/// Whether a source ends in *not applicable*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Always.
    NotApplicable,
    /// Never: the source gives credentials, refuses or fails.
    Applies,
}

/// The explanation of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What the source would do.
    pub text: String,
    /// Whether a later source may be reached.
    pub reach: Reach,
}

impl Step {
    /// A source that gives credentials, refuses or fails.
    pub fn applies(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            reach: Reach::Applies,
        }
    }

    /// A source that is not applicable, for this reason.
    #[must_use]
    pub fn not_applicable(reason: &str) -> Self {
        Self {
            text: format!("not applicable: {reason}"),
            reach: Reach::NotApplicable,
        }
    }

    /// Returns the outcome that the rule about ambient credentials would see, which does not distinguish the outcomes of a
    /// source that applies.
    pub(super) fn outcome(&self) -> Outcome {
        match self.reach {
            Reach::NotApplicable => Outcome::NotApplicable,
            Reach::Applies => Outcome::Failed,
        }
    }
}

/// One line of an explanation of the whole chain.
pub struct ExplainedStep {
    /// The source that the line is about.
    pub source: Source,
    /// What the source would do.
    pub text: String,
}
