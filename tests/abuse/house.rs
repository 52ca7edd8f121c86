//! The house that nobody breaks into: a whole server with keys of every source.

use std::net::SocketAddr;
use std::path::Path;

use crate::in_process;
use crate::issuer::Issuer;
use crate::key_pair::Pair;
use crate::token::{KEY, KEY_ID};

pub(crate) const ISSUER: &str = "https://login.mesa.example";
pub(crate) const AUDIENCE: &str = "hub";

/// A running server and whose tokens it takes.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    /// Its public half is in a file.
    pub(crate) rsa: Pair,
    /// Its public half is published under [`KEY_ID`].
    pub(crate) curve: Pair,
    pub(crate) issuer: Issuer,
    /// An address that tokens may name, and that nobody has any reason to ask.
    pub(crate) stranger: Issuer,
}

impl House {
    /// Takes HS256 with [`KEY`], RS256 by a PEM file and ES256 by an address.
    pub(crate) async fn open() -> Self {
        let (rsa, curve) = (Pair::rsa(), Pair::p256());
        let issuer = Issuer::publishing(&[curve.jwk(KEY_ID)]).await;
        let stranger = Issuer::publishing(&[Pair::other_rsa().jwk("evil")]).await;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mesahub-abuse");
        std::fs::create_dir_all(&folder).unwrap();
        let port = issuer
            .url()
            .replace(|letter: char| !letter.is_ascii_digit(), "");
        let file = folder.join(format!("{port}.pem"));
        std::fs::write(&file, rsa.pem()).unwrap();
        let settings = [
            ("SigningKey", KEY.to_owned()),
            ("Algorithms", "HS256, RS256, ES256".to_owned()),
            ("PublicKeyFiles", file.display().to_string()),
            ("Jwks:Url", issuer.url()),
            ("Jwks:RefetchInterval", "1".to_owned()),
            ("Issuer", format!("{ISSUER}, https://old.mesa.example")),
            ("Audience", format!("{AUDIENCE}, kitchen")),
        ];
        let address = start(&settings).await;
        Self {
            address,
            rsa,
            curve,
            issuer,
            stranger,
        }
    }
}

/// Starts a server with these settings of `Mesahub:Authentication`, as in production.
pub(crate) async fn start(settings: &[(&str, String)]) -> SocketAddr {
    let key = |key: &str| format!("Mesahub:Authentication:{key}");
    let overrides = settings
        .iter()
        .map(|(name, value)| (key(name), value.clone()));
    // Each attempt is to show its own refusal: that so many from one address are too many is shown
    // elsewhere.
    let failures = (
        "Mesahub:Limits:Failures:PerAddress".to_owned(),
        "0".to_owned(),
    );
    let loaded = in_process::loaded(overrides.chain([failures]));
    in_process::run(in_process::app(&loaded).unwrap())
        .await
        .address
}
