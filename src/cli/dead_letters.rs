//! `mesahub dead-letters`.

use std::error::Error;
use std::io::Write;

use mesahub::config::Loaded;
use mesahub::notification::NotificationId;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;

use super::arguments::{Chosen, DeadLetterArguments, DeadLetterCommand};
use super::token;

/// Asks the server.
pub(super) fn run(loaded: &Loaded, wanted: &DeadLetterArguments) -> Result<(), Box<dyn Error>> {
    let server = match &wanted.server {
        Some(server) => server.trim_end_matches('/').to_owned(),
        None => format!("http://{}", loaded.settings.mesahub.server.address),
    };
    let token = match &wanted.token {
        Some(token) => token.clone(),
        None => token::of_every_tenant(loaded)?,
    };
    let office = Office {
        letters: format!("{server}/api/v1/dead-letters"),
        token,
        http: Client::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match &wanted.command {
            DeadLetterCommand::List { json } => office.list(*json).await,
            DeadLetterCommand::Replay(chosen) => {
                let path = |id| format!("{}/{id}/replay", office.letters);
                office.each(chosen, &Method::POST, path, "replayed").await
            }
            DeadLetterCommand::Drop(chosen) => {
                let path = |id| format!("{}/{id}", office.letters);
                office.each(chosen, &Method::DELETE, path, "dropped").await
            }
        }
    })
}

/// The server that keeps them.
struct Office {
    letters: String,
    token: String,
    http: Client,
}

impl Office {
    async fn list(&self, json: bool) -> Result<(), Box<dyn Error>> {
        let mut out = std::io::stdout().lock();
        for letter in self.all().await? {
            if json {
                writeln!(out, "{letter}")?;
                continue;
            }
            let text = |name: &str| match &letter[name] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let [id, kind, at] = ["id", "type", "givenUpAt"].map(text);
            let (attempts, reason) = (text("attempts"), text("reason"));
            writeln!(out, "{id}  {kind}  {at}  {attempts}  {reason}")?;
        }
        Ok(())
    }

    /// Does the same with each; stops at the first that fails.
    async fn each(
        &self,
        chosen: &Chosen,
        method: &Method,
        path: impl Fn(NotificationId) -> String,
        done: &str,
    ) -> Result<(), Box<dyn Error>> {
        let ids = match chosen.all {
            false => chosen.ids.clone(),
            true => ids(&self.all().await?)?,
        };
        for id in ids {
            self.ask(method.clone(), &path(id)).await?;
            writeln!(std::io::stdout(), "{done} {id}")?;
        }
        Ok(())
    }

    async fn all(&self) -> Result<Vec<Value>, Box<dyn Error>> {
        let (mut all, mut path) = (Vec::new(), self.letters.clone());
        loop {
            let mut page: Value = self.ask(Method::GET, &path).await?.json().await?;
            if let Some(letters) = page["deadLetters"].as_array_mut() {
                all.append(letters);
            }
            match page["next"].as_str() {
                Some(next) => path = format!("{}?after={next}", self.letters),
                None => return Ok(all),
            }
        }
    }

    async fn ask(&self, method: Method, path: &str) -> Result<Response, Box<dyn Error>> {
        let request = self.http.request(method, path).bearer_auth(&self.token);
        let answer = request.send().await?;
        match answer.status() {
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(answer),
            status => {
                let problem: Value = answer.json().await.unwrap_or_default();
                let why = problem["detail"]
                    .as_str()
                    .unwrap_or("the answer is no problem of ours");
                Err(format!("{path} answered {status}: {why}").into())
            }
        }
    }
}

fn ids(letters: &[Value]) -> Result<Vec<NotificationId>, Box<dyn Error>> {
    let read = |letter: &Value| Ok(serde_json::from_value(letter["id"].clone())?);
    letters.iter().map(read).collect()
}
