//! What turns a token into a principal.

use super::{error::AuthError, principal::Principal};

/// Turns a bearer token into a [`Principal`].
///
/// It is called on every request that opens or feeds a connection, from many threads at
/// once, and must not block: an implementation that needs a remote key set keeps a copy.
pub trait Authenticator: Send + Sync {
    /// Checks a token and says who it stands for.
    ///
    /// # Errors
    ///
    /// The reason why the token is refused. It must not hold the token.
    fn authenticate(&self, token: &str) -> Result<Principal, AuthError>;

    /// Says who a caller without any token is.
    ///
    /// # Errors
    ///
    /// [`AuthError::Missing`], unless the implementation lets such callers in.
    fn without_token(&self) -> Result<Principal, AuthError> {
        Err(AuthError::Missing)
    }
}

/// Lets everyone in as [`Principal::anonymous`], whatever token they show.
///
/// For demonstrations and for hubs that are open to the world. It never reads a token, so
/// nobody gains a tenant, a role or a session through it.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllowAnonymous;

impl Authenticator for AllowAnonymous {
    fn authenticate(&self, _token: &str) -> Result<Principal, AuthError> {
        Ok(Principal::anonymous())
    }

    fn without_token(&self) -> Result<Principal, AuthError> {
        Ok(Principal::anonymous())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anonymous_callers_get_in_and_gain_nothing() {
        let open: &dyn Authenticator = &AllowAnonymous;
        assert_eq!(open.without_token(), Ok(Principal::anonymous()));
        assert_eq!(open.authenticate("anything"), Ok(Principal::anonymous()));
    }
}
