//! The OpenAPI document, as a test reads it.

use std::net::SocketAddr;

use serde_json::Value;

/// The document of a running server.
pub(crate) struct Document(pub(crate) Value);

/// One operation of it.
pub(crate) struct Described<'a> {
    pub(crate) method: String,
    pub(crate) path: &'a str,
    pub(crate) details: &'a Value,
}

impl Document {
    pub(crate) async fn load(address: SocketAddr) -> Self {
        let response = reqwest::get(format!("http://{address}/openapi.json"))
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
        Self(response.json().await.unwrap())
    }

    /// Every operation.
    pub(crate) fn operations(&self) -> impl Iterator<Item = Described<'_>> {
        self.0["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                methods
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(method, details)| Described {
                        method: method.to_uppercase(),
                        path,
                        details,
                    })
            })
    }

    /// Fails unless the document says that this may be answered.
    pub(crate) fn must_allow(&self, method: &str, path: &str, status: u16) {
        let path = path.split('?').next().unwrap();
        let described = self
            .operations()
            .find(|operation| operation.method == method && operation.covers(path));
        let Some(described) = described else {
            assert!(
                [404, 405].contains(&status),
                "{method} {path} is not described: {status}"
            );
            return;
        };
        let responses = described.details["responses"].as_object().unwrap();
        assert!(
            responses.contains_key(&status.to_string()),
            "{method} {} does not describe {status}",
            described.path
        );
    }
}

impl Described<'_> {
    /// Its path with something in the places that vary.
    pub(crate) fn example(&self) -> String {
        self.path
            .replace("{tenantKey}", "demo")
            .replace("{userId}", "ann")
            .replace("{connectionId}", "0000000000000000000000")
            .replace("{notificationId}", "3f2504e0-4f89-41d3-9a0c-0305e82c3301")
            .replace("{group}", "tenant:demo:admins")
    }

    /// Whether callers need a token.
    pub(crate) fn is_guarded(&self) -> bool {
        self.details["security"] != serde_json::json!([])
    }

    fn covers(&self, path: &str) -> bool {
        let (ours, theirs) = (self.path.split('/'), path.split('/'));
        ours.clone().count() == theirs.clone().count()
            && ours
                .zip(theirs)
                .all(|(ours, theirs)| ours.starts_with('{') || ours == theirs)
    }
}
