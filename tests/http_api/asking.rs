//! Asking the server over HTTP.

use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use serde_json::Value;

use crate::server::Server;

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Null when there is no body.
    pub(crate) body: Value,
}

impl Server {
    /// Asks with a token, or without one where it is empty.
    pub(crate) async fn ask(&self, method: Method, path: &str, token: &str) -> Answer {
        self.send(method, path, token, |request| request).await
    }

    /// Asks without a body.
    pub(crate) async fn read(&self, path: &str, token: &str) -> Answer {
        self.ask(Method::GET, path, token).await
    }

    /// Posts JSON.
    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, token, |request| request.json(body))
            .await
    }

    /// Asks with whatever else the request needs, and holds the answer against the document.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: &str,
        complete: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Answer {
        let address = format!("http://{}{path}", self.address);
        let mut request = Client::new().request(method.clone(), address);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let response = complete(request).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap();
        self.document.must_allow(method.as_str(), path, status);
        let body = match body.as_ref() {
            [] => Value::Null,
            body => serde_json::from_slice(body).unwrap(),
        };
        let answer = Answer {
            status,
            headers,
            body,
        };
        if status >= 400 && !path.starts_with("/health/") {
            assert_eq!(
                answer.headers["content-type"], "application/problem+json",
                "{answer:?}"
            );
            assert_eq!(answer.body["status"], status, "{answer:?}");
        }
        answer
    }
}

impl Answer {
    /// Fails unless this is the problem that was expected.
    pub(crate) fn is_problem(&self, status: u16, code: &str) -> &Self {
        assert_eq!(
            (self.status, &self.body["code"]),
            (status, &Value::from(code)),
            "{self:?}"
        );
        self
    }

    /// The field at fault.
    pub(crate) fn field(&self) -> &str {
        self.body["field"].as_str().unwrap_or_default()
    }

    /// What is told to people.
    pub(crate) fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }

    /// A header, empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}
