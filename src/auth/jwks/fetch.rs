//! Getting a key set over HTTP.

use std::{error::Error, time::Duration};

use async_trait::async_trait;
use reqwest::{Client, StatusCode, redirect::Policy};

use super::{error::FetchError, url::KeySetUrl};

/// The most bytes of an answer: dozens of keys with their certificates fit in.
pub(super) const LARGEST_ANSWER: usize = 256 * 1024;

/// Where a key set comes from.
#[async_trait]
pub(super) trait Source: Send + Sync {
    /// The set as it is now, within a bounded time. Dropping it gives up.
    async fn fetch(&self) -> Result<Vec<u8>, FetchError>;
}

/// An address that is asked with GET. It takes what is there and nowhere else: redirects are not
/// followed, and proxies of the environment are not used.
pub(super) struct Address {
    client: Client,
    url: KeySetUrl,
    timeout: Duration,
}

impl Address {
    pub(super) fn new(url: KeySetUrl, timeout: Duration) -> Result<Self, FetchError> {
        let client = Client::builder()
            .redirect(Policy::none())
            .https_only(!url.is_loopback())
            .no_proxy()
            .timeout(timeout)
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| FetchError::Client(causes(&error)))?;
        Ok(Self {
            client,
            url,
            timeout,
        })
    }

    fn failed(&self, error: &reqwest::Error) -> FetchError {
        match error.is_timeout() {
            true => FetchError::TimedOut(self.timeout),
            false => FetchError::Unreachable(causes(error)),
        }
    }
}

#[async_trait]
impl Source for Address {
    async fn fetch(&self) -> Result<Vec<u8>, FetchError> {
        let most = LARGEST_ANSWER;
        let request = self.client.get(self.url.url().clone());
        let request = request.header("accept", "application/json");
        let answer = request.send().await;
        let mut answer = answer.map_err(|error| self.failed(&error))?;
        match answer.status() {
            StatusCode::OK => {}
            status if status.is_redirection() => return Err(FetchError::Redirected),
            status => return Err(FetchError::Status(status.as_u16())),
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.failed(&error))? {
            if body.len() + chunk.len() > most {
                return Err(FetchError::TooLarge { most });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// An error and what is behind it, without the address: that stands in the configuration.
fn causes(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        cause = error.source();
    }
    match text.is_empty() {
        true => "the request failed".to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::auth::jwks::testing::Answering;

    async fn fetched(answer: Vec<u8>) -> Result<Vec<u8>, FetchError> {
        let server = Answering::with(answer).await;
        let address = Address::new(server.url(), Duration::from_secs(30)).unwrap();
        address.fetch().await
    }

    fn answer(head: &str, body: &str) -> Vec<u8> {
        let length = body.len();
        format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
    }

    #[tokio::test]
    async fn what_is_there_is_taken_as_it_is() {
        let body = fetched(answer("200 OK", "{\"keys\":[]}")).await;
        assert_eq!(body.unwrap(), b"{\"keys\":[]}");
    }

    #[tokio::test]
    async fn nobody_sends_us_elsewhere() {
        let elsewhere = Answering::with(answer("200 OK", "{\"keys\":[]}")).await;
        for status in ["301 Moved", "302 Found", "303 See", "307 Go", "308 Go"] {
            let head = format!("{status}\r\nlocation: {}", elsewhere.url());
            let refused = fetched(answer(&head, "")).await;
            assert_eq!(refused, Err(FetchError::Redirected), "{status}");
        }
        assert_eq!(elsewhere.asked(), 0);
    }

    #[tokio::test]
    async fn an_answer_that_is_no_success_is_no_set() {
        for (head, status) in [("404 Not Found", 404), ("500 Oops", 500), ("206 Part", 206)] {
            let refused = fetched(answer(head, "{\"keys\":[]}")).await;
            assert_eq!(refused, Err(FetchError::Status(status)));
        }
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_bound() {
        let most = LARGEST_ANSWER;
        let full = fetched(answer("200 OK", &" ".repeat(most))).await;
        assert_eq!(full.unwrap().len(), most);
        let large = " ".repeat(10 * 1024 * 1024);
        for large in [
            answer("200 OK", &large),
            format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{large}").into_bytes(),
        ] {
            assert_eq!(fetched(large).await, Err(FetchError::TooLarge { most }));
        }
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_or_is_no_http_is_none() {
        let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"keys\"".to_vec();
        for bytes in [cut, b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), Vec::new()] {
            let refused = fetched(bytes).await.unwrap_err();
            assert!(matches!(refused, FetchError::Unreachable(_)), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_silent_server_is_given_up() {
        let server = Answering::never().await;
        let patience = Duration::from_millis(50);
        let address = Address::new(server.url(), patience).unwrap();
        let refused = address.fetch().await;
        assert_eq!(refused, Err(FetchError::TimedOut(patience)));
    }
}
