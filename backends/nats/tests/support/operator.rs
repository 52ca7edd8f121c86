//! An operator who signs users, as `nsc` does.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use nkeys::KeyPair;

/// An operator with one account.
pub struct Operator {
    operator: KeyPair,
    account: KeyPair,
}

impl Operator {
    pub fn new() -> Self {
        Self {
            operator: KeyPair::new_operator(),
            account: KeyPair::new_account(),
        }
    }

    /// What makes a server trust it.
    pub fn configuration(&self) -> String {
        let key = self.operator.public_key();
        let account = self.account.public_key();
        let operator = sign(&self.operator, &key, r#"{"type":"operator","version":2}"#);
        let limits = r#"{"type":"account","version":2,"limits":{"subs":-1,"conn":-1,"leaf":-1,
            "imports":-1,"exports":-1,"data":-1,"payload":-1,"wildcards":true}}"#;
        let known = sign(&self.operator, &account, limits);
        format!(
            "operator: {operator}\nresolver: MEMORY\nresolver_preload: {{ {account}: {known} }}"
        )
    }

    /// The token and the seed of a new user.
    pub fn user(&self) -> (String, String) {
        let user = KeyPair::new_user();
        let facts = r#"{"type":"user","version":2,"subs":-1,"data":-1,"payload":-1}"#;
        let token = sign(&self.account, &user.public_key(), facts);
        (token, user.seed().unwrap())
    }
}

/// A token about a key.
fn sign(by: &KeyPair, about: &str, facts: &str) -> String {
    let encode = |text: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(text);
    let head = encode(br#"{"typ":"JWT","alg":"ed25519-nkey"}"#);
    let issuer = by.public_key();
    let claims = format!(
        r#"{{"jti":"1","iat":1700000000,"iss":"{issuer}","sub":"{about}","name":"test","nats":{facts}}}"#
    );
    let signed = format!("{head}.{}", encode(claims.as_bytes()));
    let signature = by.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", encode(&signature))
}
