//! Public keys in PEM (RFC 7468).

use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{key::KeyError, verifying_key::VerifyingKey};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The keys of a text that holds nothing but public keys, one or several, and lines between them
/// that are not looked at.
pub(super) fn public_keys(text: &str) -> Result<Vec<VerifyingKey>, KeyError> {
    let mut keys = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(label) = line
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix(DASHES))
        else {
            continue;
        };
        if label != "PUBLIC KEY" {
            return Err(wrong(other(label)));
        }
        let mut body = String::new();
        loop {
            match lines.next() {
                None => return Err(wrong("cut short".to_owned())),
                Some(line) if line.starts_with(END) => break,
                Some(line) => body.push_str(line),
            }
        }
        let der = BASE64
            .decode(body)
            .map_err(|_| wrong("not base64 between its lines".to_owned()))?;
        keys.push(VerifyingKey::from_spki(&der)?);
    }
    match keys.is_empty() {
        true => Err(wrong("without a key".to_owned())),
        false => Ok(keys),
    }
}

/// What stands there instead of a public key, and how to come to one.
fn other(label: &str) -> String {
    let remedy = match label {
        "CERTIFICATE" => "; `openssl x509 -pubkey -noout` takes the key out of it",
        "RSA PUBLIC KEY" => "; `openssl rsa -RSAPublicKey_in -pubout` changes its form",
        label if label.ends_with("PRIVATE KEY") => {
            "; `openssl pkey -pubout` makes the public half, and the private one belongs to the issuer alone"
        }
        _ => "",
    };
    let label: String = label.escape_debug().take(40).collect();
    format!("a {label}{remedy}")
}

fn wrong(found: String) -> KeyError {
    KeyError::Pem { found }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::auth::{KeyProblem, testing::Pair};

    #[test]
    fn every_key_of_a_text_is_read() {
        let pairs = Pair::of_every_kind();
        let text: Vec<_> = pairs.iter().map(Pair::pem).collect();
        let keys = public_keys(&format!("# ours\r\n{}", text.join("\n"))).unwrap();
        let kinds: Vec<_> = keys.iter().map(VerifyingKey::kind).collect();
        let expected: Vec<_> = pairs.iter().map(Pair::kind).collect();
        assert_eq!(kinds, expected);
    }

    #[test]
    fn what_is_no_public_key_is_refused_with_what_to_do() {
        let refused = |text: &str| public_keys(text).unwrap_err().to_string();
        let private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
        assert!(refused(private).contains("`openssl pkey -pubout`"));
        let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
        assert!(refused(certificate).contains("a CERTIFICATE; `openssl x509"));
        assert!(refused("").contains("without a key; expected keys that begin"));
        let key = Pair::p256().pem();
        assert!(refused(&key[..60]).contains("cut short"));
        let (head, tail) = key.split_at(40);
        assert!(refused(&format!("{head}!{tail}")).contains("not base64"));
    }

    #[test]
    fn a_key_of_an_unknown_kind_is_refused() {
        let text = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----";
        let error = public_keys(text).unwrap_err();
        assert_eq!(error, KeyError::Unusable(KeyProblem::UnknownKind));
    }
}
