//! What a caller is to the product.

use std::{fmt, str::FromStr, sync::Arc};

use super::{
    identity::{IdentityError, IdentityKind, check_text},
    text::serde_as_text,
};

/// A role named by a token. Names match exactly: `admin` is not [`Role::Admin`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Runs the restaurant.
    Admin,
    /// Works in the restaurant; has the rights of an admin here.
    Staff,
    /// Eats in the restaurant.
    Customer,
    /// A back end that publishes; see [`ServiceScope`](super::ServiceScope).
    Service,
    /// Any other name: kept, and given no rights.
    Other(Arc<str>),
}

impl Role {
    /// The most characters that a role name may have.
    pub const LONGEST: usize = 64;

    /// The name as a token spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Admin => "Admin",
            Self::Staff => "Staff",
            Self::Customer => "Customer",
            Self::Service => "Service",
            Self::Other(name) => name,
        }
    }
}

impl FromStr for Role {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        check_text(IdentityKind::Role, text, Self::LONGEST, |c| !c.is_control())?;
        Ok(match text {
            "Admin" => Self::Admin,
            "Staff" => Self::Staff,
            "Customer" => Self::Customer,
            "Service" => Self::Service,
            other => Self::Other(other.into()),
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

serde_as_text!(Role, "a role name");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_match_exactly() {
        assert_eq!("Admin".parse::<Role>().unwrap(), Role::Admin);
        assert_eq!(
            "admin".parse::<Role>().unwrap(),
            Role::Other("admin".into())
        );
        assert_eq!(
            "Admin ".parse::<Role>().unwrap(),
            Role::Other("Admin ".into())
        );
    }

    #[test]
    fn every_role_reads_back_from_its_name() {
        for role in [
            Role::Admin,
            Role::Staff,
            Role::Customer,
            Role::Service,
            Role::Other("Chef".into()),
        ] {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
        }
        assert!("".parse::<Role>().is_err());
        assert!("a\tb".parse::<Role>().is_err());
    }
}
