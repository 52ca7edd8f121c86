//! The first word to a server: who we are.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde::Serialize;

use crate::config::Login;
use crate::error::LinkError;

/// What a client says of itself. It holds secrets, so there is no way to print it.
#[derive(Serialize)]
pub(crate) struct Hello {
    verbose: bool,
    pedantic: bool,
    tls_required: bool,
    name: &'static str,
    lang: &'static str,
    version: &'static str,
    /// That we understand what the server tells of itself later.
    protocol: u8,
    /// That we get what we publish ourselves.
    echo: bool,
    headers: bool,
    /// That we want to be told where nobody listens.
    no_responders: bool,
    #[serde(flatten)]
    proof: Proof,
}

#[derive(Default, Serialize)]
struct Proof {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pass: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nkey: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sig: Option<String>,
}

impl Hello {
    /// Answers the server's challenge, if the login needs one.
    pub(crate) async fn new(
        login: &Login,
        tls_required: bool,
        challenge: Option<&str>,
    ) -> Result<Self, LinkError> {
        Ok(Self {
            verbose: false,
            pedantic: false,
            tls_required,
            name: "mesahub",
            lang: "rust",
            version: env!("CARGO_PKG_VERSION"),
            protocol: 1,
            echo: true,
            headers: true,
            no_responders: true,
            proof: Proof::new(login, challenge).await?,
        })
    }
}

impl Proof {
    async fn new(login: &Login, challenge: Option<&str>) -> Result<Self, LinkError> {
        let nothing = Self::default();
        Ok(match login {
            Login::Nobody => nothing,
            Login::User { name, password } => Self {
                user: Some(name.clone()),
                pass: Some(password.clone()),
                ..nothing
            },
            Login::Token(token) => Self {
                auth_token: Some(token.clone()),
                ..nothing
            },
            Login::NkeySeed(seed) => {
                let pair = KeyPair::from_seed(seed.trim()).map_err(LinkError::Seed)?;
                Self {
                    nkey: Some(pair.public_key()),
                    sig: Some(sign(&pair, challenge)?),
                    ..nothing
                }
            }
            Login::Credentials(file) => {
                let text = tokio::fs::read_to_string(file).await;
                let text = text.map_err(|error| LinkError::CredentialsFile(file.clone(), error))?;
                let (token, seed) = credentials(&text, file)?;
                let pair = KeyPair::from_seed(seed).map_err(LinkError::Seed)?;
                Self {
                    jwt: Some(token.to_owned()),
                    sig: Some(sign(&pair, challenge)?),
                    ..nothing
                }
            }
        })
    }
}

fn sign(pair: &KeyPair, challenge: Option<&str>) -> Result<String, LinkError> {
    // A server that knows no nkeys sends no challenge; it will refuse the empty answer.
    let signature = pair.sign(challenge.unwrap_or_default().as_bytes());
    let signature = signature.map_err(LinkError::Seed)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// The token and the seed between the lines of dashes of a credentials file.
fn credentials<'a>(text: &'a str, file: &Path) -> Result<(&'a str, &'a str), LinkError> {
    let mut blocks = text.lines().map(str::trim).scan(false, |inside, line| {
        let is_dashes = line.starts_with("---") && line.ends_with("---");
        let held = (*inside && !is_dashes && !line.is_empty()).then_some(line);
        *inside = match is_dashes {
            true => line.contains("BEGIN"),
            false => *inside,
        };
        Some(held)
    });
    let mut block = || blocks.by_ref().flatten().next();
    match (block(), block()) {
        (Some(token), Some(seed)) => Ok((token, seed)),
        _ => Err(LinkError::Credentials(file.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::credentials;

    const FILE: &str = "-----BEGIN NATS USER JWT-----\r\neyJ0.a-b\r\n------END NATS USER JWT------\r\n\
        \r\n************************* IMPORTANT *************************\r\n\
        NKEY Seed printed below can be used to sign and prove identity.\r\n\r\n\
        -----BEGIN USER NKEY SEED-----\r\nSUAB\r\n------END USER NKEY SEED------\r\n";

    #[test]
    fn a_credentials_file_gives_its_token_and_its_seed() {
        let read = credentials(FILE, Path::new("a.creds")).unwrap();
        assert_eq!(read, ("eyJ0.a-b", "SUAB"));
    }

    #[test]
    fn a_file_without_them_is_named_and_not_shown() {
        for text in [
            "",
            "hunter2",
            "-----BEGIN USER NKEY SEED-----\nhunter2\n------END------",
        ] {
            let error = credentials(text, Path::new("a.creds")).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(
                text.contains("a.creds") && !text.contains("hunter2"),
                "{text}"
            );
        }
    }
}
