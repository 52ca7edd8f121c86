//! Why a token was refused.

use std::borrow::Cow;

use super::identity::IdentityError;

/// Why a token was refused: one variant per refusal, none of which holds the token.
///
/// None can be helped by showing the same token again, except that a token
/// [not yet valid](AuthError::NotYetValid) becomes so with time, and that
/// [keys](AuthError::KeysUnavailable) may be there later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// No token came with the request.
    #[error("a bearer token is needed and none was sent")]
    Missing,
    /// The text is not a token.
    #[error("the token is malformed: {part}")]
    Malformed {
        /// The part that could not be read.
        part: TokenPart,
    },
    /// The token names a way of signing that this server does not take, `none` included.
    #[error("the token is signed with '{alg}', which this server does not accept")]
    AlgorithmNotAllowed {
        /// The name in the token, cut to 16 printable characters.
        alg: String,
    },
    /// The token's header demands an extension; we know none (RFC 7515, section 4.1.11).
    #[error("the token demands a critical header extension that this server does not know")]
    CriticalExtension,
    /// The signature does not fit the token and our key.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// None of our keys is the one that the token is signed with.
    #[error("the token is signed with a key that this server does not know")]
    UnknownKey,
    /// The keys cannot be had at present, so nothing can be said of the token: our failure, not
    /// that of the caller.
    #[error("this server cannot get the keys to check the token with; try again later")]
    KeysUnavailable,
    /// The token has ended.
    #[error("the token has expired")]
    Expired,
    /// The token has not begun.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The token does not come from the issuer that we trust.
    #[error("the token comes from another issuer than the one this server trusts")]
    WrongIssuer,
    /// The token is meant for somebody else.
    #[error("the token is meant for another audience than this server")]
    WrongAudience,
    /// A claim is missing or makes no sense.
    #[error("the token's '{claim}' claim {problem}")]
    InvalidClaim {
        /// The name of the claim.
        claim: Cow<'static, str>,
        /// What is wrong with it.
        #[source]
        problem: ClaimProblem,
    },
}

impl AuthError {
    /// Whether it is for want of keys and not for the token: the same token may be good later.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        *self == Self::KeysUnavailable
    }

    /// A short, stable name of the refusal for programs: error bodies and metric labels.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "token_missing",
            Self::Malformed { .. } => "token_malformed",
            Self::AlgorithmNotAllowed { .. } => "token_algorithm_not_allowed",
            Self::CriticalExtension => "token_critical_extension",
            Self::BadSignature => "token_bad_signature",
            Self::UnknownKey => "token_unknown_key",
            Self::KeysUnavailable => "keys_unavailable",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::WrongIssuer => "token_wrong_issuer",
            Self::WrongAudience => "token_wrong_audience",
            Self::InvalidClaim { .. } => "token_invalid_claim",
        }
    }

    /// The value of a `WWW-Authenticate` header (RFC 6750, section 3): a bare `Bearer` when
    /// no token was sent, else `error="invalid_token"` and the reason. It is plain ASCII and
    /// cannot break out of its quotes.
    #[must_use]
    pub fn challenge(&self) -> String {
        match self {
            Self::Missing => "Bearer".to_owned(),
            refusal => format!(
                "Bearer error=\"invalid_token\", error_description=\"{}\"",
                quotable(&refusal.to_string())
            ),
        }
    }
}

/// The part of a token that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenPart {
    /// Not three parts with dots between them, or longer than 16 KiB.
    #[error("expected three parts with dots between them, at most 16 KiB together")]
    Shape,
    /// The first part.
    #[error("its header is not a JSON object in base64url that names an algorithm")]
    Header,
    /// The second part.
    #[error("its payload is not a JSON object in base64url that has each claim once")]
    Payload,
    /// The third part.
    #[error("its signature is not base64url")]
    Signature,
}

/// What is wrong with one claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimProblem {
    /// It is needed and not there.
    #[error("is missing")]
    Missing,
    /// It has the wrong type, length or range.
    #[error("is wrong: expected {expected}")]
    Unexpected {
        /// What a right one looks like.
        expected: &'static str,
    },
    /// It is not the identity that it should be.
    #[error("is wrong: {0}")]
    Identity(#[from] IdentityError),
    /// It is a GUID of zeros, which .NET gives where there is none: all who carry it would
    /// share one session.
    #[error("is the empty GUID")]
    EmptyGuid,
}

/// Keeps to the characters that RFC 6750 allows in a description.
fn quotable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' => '\'',
            '\\' => '/',
            ' '..='~' => c,
            _ => '?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::auth::TenantKey;

    #[test]
    fn a_missing_token_is_asked_for_without_an_error() {
        assert_eq!(AuthError::Missing.challenge(), "Bearer");
    }

    #[test]
    fn a_refused_token_is_explained() {
        assert_eq!(
            AuthError::Expired.challenge(),
            "Bearer error=\"invalid_token\", error_description=\"the token has expired\""
        );
    }

    #[test]
    fn a_description_cannot_break_out_of_its_quotes() {
        for hostile in ["a\"b", "a\\b", "a\r\nX: y", "ä"] {
            let challenge = AuthError::InvalidClaim {
                claim: "tenantKey".into(),
                problem: hostile.parse::<TenantKey>().unwrap_err().into(),
            }
            .challenge();
            assert_eq!(challenge.matches('"').count(), 4, "{challenge}");
            assert!(
                challenge
                    .chars()
                    .all(|c| (' '..='~').contains(&c) && c != '\\')
            );
        }
    }

    #[test]
    fn an_invalid_claim_is_named_with_its_problem() {
        let error = AuthError::InvalidClaim {
            claim: "exp".into(),
            problem: ClaimProblem::Missing,
        };
        assert_eq!(error.to_string(), "the token's 'exp' claim is missing");
        assert_eq!(error.code(), "token_invalid_claim");
    }
}
