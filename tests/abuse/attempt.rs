//! One attempt: what is sent, and how it must be refused.

use serde_json::Value;

use crate::house::House;
use crate::wire::{Answer, Asking};

/// A row of the table.
pub(crate) struct Attempt {
    /// What is tried, in words.
    pub(crate) name: String,
    /// The requests that try it; each must be refused.
    doors: Vec<Asking>,
    expected: Refusal,
}

/// How a request is refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refusal {
    /// With this status, and this `code` in the body.
    Coded(u16, &'static str),
    /// With this status, whatever the body says.
    Status(u16),
}

impl Attempt {
    /// An attempt through doors of its own.
    pub(crate) fn new(
        name: impl Into<String>,
        doors: impl IntoIterator<Item = Asking>,
        expected: Refusal,
    ) -> Self {
        Self {
            name: name.into(),
            doors: doors.into_iter().collect(),
            expected,
        }
    }

    /// A token that nobody may come in with, through every door there is: negotiation, a WebSocket
    /// without negotiation, and the API.
    pub(crate) fn token(name: impl Into<String>, token: &str, code: &'static str) -> Self {
        let doors = [
            Asking::negotiate().bearer(token),
            Asking::upgrade(&format!("?access_token={}", escaped(token))),
            Asking::publish("mesa").bearer(token),
        ];
        Self::new(name, doors, Refusal::Coded(401, code))
    }

    /// A token that is good, and does not give the right to publish for this tenant.
    pub(crate) fn publishing(name: impl Into<String>, token: &str, tenant: &str) -> Self {
        let door = Asking::publish(tenant).bearer(token);
        Self::new(name, [door], Refusal::Status(403))
    }

    /// Tries it.
    pub(crate) async fn is_refused(&self, house: &House) {
        for door in &self.doors {
            let answer = door.send(house.address).await;
            let name = format!("{} ({})", self.name, door.line());
            match self.expected {
                Refusal::Coded(status, code) => {
                    assert_eq!(answer.status, status, "{name}: {answer:?}");
                    assert_eq!(answer.json()["code"], code, "{name}: {answer:?}");
                }
                Refusal::Status(status) => {
                    assert_eq!(answer.status, status, "{name}: {answer:?}");
                }
            }
            tells_no_secret(&answer, &name);
        }
    }
}

/// No answer holds a token or tells of the server's inside.
fn tells_no_secret(answer: &Answer, name: &str) {
    for secret in ["eyJ", "panicked", ".rs:", "127.0.0.1:"] {
        assert!(!answer.text.contains(secret), "{name}: {answer:?}");
    }
    if let Value::String(detail) = &answer.json()["detail"] {
        assert!(detail.len() <= 500, "{name}: {answer:?}");
    }
}

/// A text as it stands in a query.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) => {
                escaped.push(char::from(byte));
            }
            byte => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}
