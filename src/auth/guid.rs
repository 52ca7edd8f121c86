//! The ids that are GUIDs.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use super::{
    identity::{IdentityError, IdentityKind},
    text::serde_as_text,
};

/// The id of one dining session.
///
/// Read in either case with or without hyphens or braces, as .NET reads a GUID, and always
/// written in lower case with hyphens, so that one id has one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(Uuid);

/// The id of one order. Read and written as a [`SessionId`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderId(Uuid);

macro_rules! guid {
    ($type:ident, $expected:literal) => {
        impl $type {
            /// The id as a UUID.
            #[must_use]
            pub fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $type {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $type {
            type Err = IdentityError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                read(IdentityKind::$type, text).map(Self)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(formatter)
            }
        }

        serde_as_text!($type, $expected);
    };
}

guid!(SessionId, "a session id, which is a GUID");
guid!(OrderId, "an order id, which is a GUID");

fn read(kind: IdentityKind, text: &str) -> Result<Uuid, IdentityError> {
    if text.is_empty() {
        return Err(IdentityError::Empty { kind });
    }
    // The `urn:uuid:` form is longer than any that .NET reads.
    if text.len() > "{3f2504e0-4f89-41d3-9a0c-0305e82c3301}".len() {
        return Err(IdentityError::NotAGuid { kind });
    }
    Uuid::try_parse(text).map_err(|_| IdentityError::NotAGuid { kind })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const LOWER: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

    #[test]
    fn every_form_of_one_guid_prints_alike() {
        for form in [
            LOWER,
            "3F2504E0-4F89-41D3-9A0C-0305E82C3301",
            "3f2504e04f8941d39a0c0305e82c3301",
            "{3f2504e0-4f89-41d3-9a0c-0305e82c3301}",
        ] {
            assert_eq!(form.parse::<SessionId>().unwrap().to_string(), LOWER);
        }
    }

    #[test]
    fn what_is_no_guid_is_refused_by_name() {
        let refused = |text: &str| text.parse::<OrderId>().unwrap_err().to_string();
        assert!(refused("").starts_with("the order id is empty"));
        assert!(refused("17").starts_with("the order id is no GUID; expected a GUID such as"));
        assert!(refused(&format!("{LOWER}:admins")).contains("no GUID"));
        assert!(refused(&format!("urn:uuid:{LOWER}")).contains("no GUID"));
    }

    #[test]
    fn json_holds_the_lower_case_text() {
        let id: OrderId = serde_json::from_str("\"3F2504E0-4F89-41D3-9A0C-0305E82C3301\"").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{LOWER}\""));
        assert!(serde_json::from_str::<OrderId>("\"x\"").is_err());
    }
}
