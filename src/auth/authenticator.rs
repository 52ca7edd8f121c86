//! What turns a token into a principal.

use std::{future::Future, pin::Pin};

use super::{error::AuthError, principal::Principal};

/// Resolves when keys may be there that were not there before, after a bounded time at most.
/// Dropping it changes nothing.
pub type NewerKeys = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Turns a bearer token into a [`Principal`].
///
/// It is called on every request that opens or feeds a connection, from many threads at
/// once, and must not block: an implementation that needs a remote key set keeps a copy, and
/// tells with [`newer_keys`](Self::newer_keys) when there is a newer one.
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

    /// Asks for newer keys after a refusal with [`AuthError::UnknownKey`] or
    /// [`AuthError::KeysUnavailable`]. `None` when there is nothing to wait for: the refusal
    /// stands. It must not block.
    fn newer_keys(&self) -> Option<NewerKeys> {
        None
    }

    /// Why tokens cannot be checked at present, for the health of the server.
    fn trouble(&self) -> Option<String> {
        None
    }
}

impl dyn Authenticator + '_ {
    /// Lets a caller in by its token, if it has one. Where the token is signed with a key that is
    /// not known yet, it waits for [newer keys](Authenticator::newer_keys) and looks once more.
    ///
    /// # Errors
    ///
    /// Those of [`authenticate`](Authenticator::authenticate) and
    /// [`without_token`](Authenticator::without_token).
    pub async fn admit(&self, token: Option<&str>) -> Result<Principal, AuthError> {
        let Some(token) = token else {
            return self.without_token();
        };
        match self.authenticate(token) {
            Err(refusal @ (AuthError::UnknownKey | AuthError::KeysUnavailable)) => {
                let Some(newer) = self.newer_keys() else {
                    return Err(refusal);
                };
                newer.await;
                self.authenticate(token)
            }
            settled => settled,
        }
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

    #[tokio::test]
    async fn anonymous_callers_get_in_and_gain_nothing() {
        let open: &dyn Authenticator = &AllowAnonymous;
        assert_eq!(open.admit(None).await, Ok(Principal::anonymous()));
        let shown = open.admit(Some("anything")).await;
        assert_eq!(shown, Ok(Principal::anonymous()));
    }
}
