//! Under which names a token tells who somebody is.

/// The names of the claims that say who a token stands for. Those of the default are what Mesahub's
/// own tokens use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    /// The tenant: `tenantKey`.
    pub tenant_key: String,
    /// The user: `userId`. Under this name alone a token may leave it out and have `sub`, or the
    /// name identifier in its long or its short .NET form, instead; another name is the only one,
    /// since two issuers may give one id to two people.
    pub user_id: String,
    /// The roles: `role`. Their long .NET name,
    /// `http://schemas.microsoft.com/ws/2008/06/identity/claims/role`, is understood as well.
    pub role: String,
    /// The dining session: `sessionId`.
    pub session_id: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            tenant_key: "tenantKey".to_owned(),
            user_id: Self::USER_ID.to_owned(),
            role: "role".to_owned(),
            session_id: "sessionId".to_owned(),
        }
    }
}

impl ClaimNames {
    const USER_ID: &'static str = "userId";

    /// The claims that may hold the user, the first that is there wins.
    pub(super) fn user(&self) -> Vec<&str> {
        let mut names = vec![self.user_id.as_str()];
        if self.user_id == Self::USER_ID {
            names.extend([
                "sub",
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier",
                "nameid",
            ]);
        }
        names
    }

    /// The claims that may hold roles; all of them count.
    pub(super) fn roles(&self) -> [&str; 2] {
        [
            &self.role,
            "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
        ]
    }
}
