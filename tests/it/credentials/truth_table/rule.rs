//! The rule of the contract, stated independently of the code under test.

/// How a source answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Ok,
    NotApplicable,
    Denied,
    Failed,
}

/// The answer of a source, and the reason why it gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer(pub Outcome, pub &'static str);

pub const GIVES: Answer = Answer(Outcome::Ok, "-");

/// The calls for which the operator permits the server's own credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    Never,
    ReadOnly,
    Full,
}

/// The source of a call's rights, and the attempts that are reported.
#[derive(Debug)]
pub struct Verdict {
    /// The source whose credentials the call acts with, or the code of its refusal.
    pub source: Result<&'static str, &'static str>,
    /// The code with which a write is refused, where it is.
    pub write: Option<&'static str>,
    /// `source outcome code` of each attempt.
    pub attempts: Vec<String>,
}

/// The user sources are asked in order, and the first that gives credentials is it. After a refusal or a failure the next
/// user source is still asked, and the server's own credentials never: they are for callers to whom every user source is
/// not applicable. Under them a write needs the policy `full`. Of the answers that gave nothing, a refusal tells the caller
/// more than a failure, and a failure more than nothing.
pub fn rule(jwt: Answer, catalog: Answer, own: Answer, policy: Policy) -> Verdict {
    let mut asked = vec![("jwt", jwt)];
    if jwt.0 != Outcome::Ok {
        asked.push(("catalog", catalog));
    }
    if asked.iter().all(|(_, answer)| answer.0 == Outcome::NotApplicable) {
        asked.push(("ambient", own));
    } else if asked.iter().all(|(_, answer)| answer.0 != Outcome::Ok) {
        asked.push(("ambient", Answer(Outcome::NotApplicable, "no_claim")));
    }
    let first = |outcome| asked.iter().find(|(_, answer)| answer.0 == outcome);
    let source = match (first(Outcome::Ok), first(Outcome::Denied), first(Outcome::Failed)) {
        (Some((source, _)), ..) => Ok(*source),
        (None, Some((_, refusal)), _) => Err(refusal.1),
        (None, None, Some((_, failure))) => Err(failure.1),
        (None, None, None) => Err("no_credentials"),
    };
    let write = match source {
        Err(code) => Some(code),
        Ok("ambient") if policy != Policy::Full => Some("write_needs_user_credentials"),
        Ok(_) => None,
    };
    let attempts = asked
        .iter()
        .map(|(source, Answer(outcome, code))| format!("{source} {} {code}", outcome.as_str()));
    Verdict {
        source,
        write,
        attempts: attempts.collect(),
    }
}

/// A bearer that only the registry can prove: whom it gives no credentials is not let in at all, and with which status.
pub fn not_let_in(catalog: Answer) -> Option<(u16, &'static str)> {
    match catalog {
        Answer(Outcome::Ok, _) => None,
        Answer(Outcome::Denied, "forbidden") => Some((403, "forbidden")),
        Answer(Outcome::Denied, _) => Some((401, "invalid_jwt")),
        Answer(Outcome::NotApplicable | Outcome::Failed, _) => Some((503, "verifier_unavailable")),
    }
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotApplicable => "not_applicable",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

impl Policy {
    pub const ALL: [Self; 3] = [Self::Never, Self::ReadOnly, Self::Full];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::ReadOnly => "read-only",
            Self::Full => "full",
        }
    }
}
