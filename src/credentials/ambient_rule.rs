//! The rule about ambient credentials: they serve only callers to whom no other source applies.
//!
//! A caller whom a source refused, or could not answer, has a source. To act as the server then would give that caller
//! rights that were never granted.

use super::Outcome;
use crate::identity::VerifyMode;

/// Evidence that the rule allows ambient credentials for a caller. [`AmbientPermit::grant`] is the only constructor, and
/// ambient credentials are not given without a permit.
pub(super) struct AmbientPermit(());

impl AmbientPermit {
    /// Grants a permit if every other source was not applicable. `proof` says how the caller's token was proved.
    ///
    /// An opaque token was proved by its registry, so it has that source even if the registry is gone a moment later.
    pub(super) fn grant(proof: Option<VerifyMode>, outcomes: impl IntoIterator<Item = Outcome>) -> Option<Self> {
        let has_registry = proof == Some(VerifyMode::Registry);
        let applies = |outcome| outcome != Outcome::NotApplicable;
        (!has_registry && !outcomes.into_iter().any(applies)).then_some(Self(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_caller_without_any_source_gets_a_permit() {
        use Outcome::{Denied, Failed, NotApplicable, Ok};
        for proof in [None, Some(VerifyMode::Hs256), Some(VerifyMode::Jwks)] {
            assert!(AmbientPermit::grant(proof, [NotApplicable, NotApplicable]).is_some());
            for other in [Denied, Failed, Ok] {
                assert!(AmbientPermit::grant(proof, [other, NotApplicable]).is_none());
                assert!(AmbientPermit::grant(proof, [NotApplicable, other]).is_none());
            }
        }
        assert!(AmbientPermit::grant(Some(VerifyMode::Registry), [NotApplicable, NotApplicable]).is_none());
    }
}
