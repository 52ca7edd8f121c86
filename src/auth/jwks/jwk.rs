//! One JSON Web Key.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::IgnoredAny};

use super::set::Origin;
use crate::auth::{
    algorithm::{KeyKind, SigningAlgorithm},
    key::{KeyProblem, SecretKey},
    verifying_key::VerifyingKey,
};

/// How a point begins that is given by both its numbers.
const UNCOMPRESSED: u8 = 4;

/// What we read of a key; the rest, such as `x5c` and `x5u`, is of no concern. A member that is
/// there twice or of the wrong type makes it malformed.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
    d: Option<IgnoredAny>,
}

/// The key in a JSON text, under its id.
pub(super) fn read(json: &str, origin: Origin) -> Result<VerifyingKey, KeyProblem> {
    let jwk: Jwk = serde_json::from_str(json).map_err(|_| KeyProblem::Malformed)?;
    let checks_signatures = jwk.usage.as_deref().is_none_or(|usage| usage == "sig")
        && jwk
            .key_ops
            .as_ref()
            .is_none_or(|able| able.iter().any(|able| able == "verify"));
    if jwk.kty == "oct" && origin == Origin::Published {
        return Err(KeyProblem::PublishedSecret);
    }
    if jwk.d.is_some() {
        return Err(KeyProblem::Private);
    }
    if !checks_signatures {
        return Err(KeyProblem::OtherUse);
    }
    let algorithm = jwk.alg.as_deref().map(str::parse::<SigningAlgorithm>);
    let algorithm = algorithm
        .transpose()
        .map_err(|_| KeyProblem::UnknownAlgorithm)?;
    let key = match jwk.kty.as_str() {
        "RSA" => VerifyingKey::rsa(&number(&jwk.n)?, &number(&jwk.e)?)?,
        "EC" => curve(&jwk)?,
        "OKP" if jwk.crv.as_deref() == Some("Ed25519") => {
            VerifyingKey::of_kind(KeyKind::Ed25519, &exactly(32, &jwk.x)?)?
        }
        "oct" => VerifyingKey::secret(&SecretKey::new(bytes(&jwk.k)?))?,
        _ => return Err(KeyProblem::UnknownKind),
    };
    let key = key.named(jwk.kid.map(String::into_boxed_str));
    match algorithm {
        Some(algorithm) => key.only(algorithm),
        None => Ok(key),
    }
}

fn curve(jwk: &Jwk) -> Result<VerifyingKey, KeyProblem> {
    let (kind, length) = match jwk.crv.as_deref() {
        Some("P-256") => (KeyKind::P256, 32),
        Some("P-384") => (KeyKind::P384, 48),
        Some("P-521") => (KeyKind::P521, 66),
        _ => return Err(KeyProblem::UnknownKind),
    };
    let mut point = vec![UNCOMPRESSED];
    point.extend(exactly(length, &jwk.x)?);
    point.extend(exactly(length, &jwk.y)?);
    VerifyingKey::of_kind(kind, &point)
}

/// A number without the leading zeros that some issuers write.
fn number(text: &Option<String>) -> Result<Vec<u8>, KeyProblem> {
    let bytes = bytes(text)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Ok(bytes[zeros..].to_vec())
}

fn exactly(length: usize, text: &Option<String>) -> Result<Vec<u8>, KeyProblem> {
    let bytes = bytes(text)?;
    match bytes.len() == length {
        true => Ok(bytes),
        false => Err(KeyProblem::Malformed),
    }
}

fn bytes(text: &Option<String>) -> Result<Vec<u8>, KeyProblem> {
    let text = text.as_deref().ok_or(KeyProblem::Malformed)?;
    URL_SAFE_NO_PAD
        .decode(text.trim_end_matches('='))
        .map_err(|_| KeyProblem::Malformed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;
    use crate::auth::testing::Pair;

    fn published(jwk: &Value) -> Result<VerifyingKey, KeyProblem> {
        read(&jwk.to_string(), Origin::Published)
    }

    fn problem(jwk: &Value) -> KeyProblem {
        published(jwk).unwrap_err()
    }

    fn with(pair: &Pair, name: &str, value: Value) -> Value {
        let mut jwk = pair.jwk("k");
        jwk[name] = value;
        jwk
    }

    #[test]
    fn a_key_of_every_kind_is_read_and_checks_signatures() {
        for pair in Pair::of_every_kind() {
            let key = published(&pair.jwk("k")).unwrap();
            assert_eq!((key.kind(), key.id()), (pair.kind(), Some("k")));
            let signature = pair.sign(pair.usual(), b"message");
            assert!(key.verifies(pair.usual(), b"message", &signature));
        }
    }

    #[test]
    fn a_key_is_kept_to_its_own_algorithm() {
        let pair = Pair::rsa();
        let key = published(&with(&pair, "alg", json!("PS384"))).unwrap();
        assert!(key.fits(SigningAlgorithm::Ps384));
        assert!(!key.fits(SigningAlgorithm::Rs256));
        for alg in ["HS256", "ES256", "EdDSA"] {
            let refused = problem(&with(&pair, "alg", json!(alg)));
            assert!(
                matches!(refused, KeyProblem::OtherAlgorithm { .. }),
                "{alg}"
            );
        }
        for alg in ["none", "RSA-OAEP", "", "rs256"] {
            let refused = problem(&with(&pair, "alg", json!(alg)));
            assert_eq!(refused, KeyProblem::UnknownAlgorithm, "{alg}");
        }
    }

    #[test]
    fn a_key_for_something_else_is_passed_over() {
        let pair = Pair::p256();
        for (name, value) in [
            ("use", json!("enc")),
            ("use", json!("SIG")),
            ("key_ops", json!(["sign"])),
            ("key_ops", json!([])),
        ] {
            assert_eq!(problem(&with(&pair, name, value)), KeyProblem::OtherUse);
        }
        assert!(published(&with(&pair, "use", json!("sig"))).is_ok());
        let ops = json!(["sign", "verify"]);
        assert!(published(&with(&pair, "key_ops", ops)).is_ok());
    }

    #[test]
    fn a_secret_is_taken_out_of_a_file_and_from_nowhere_else() {
        let jwk = json!({ "kty": "oct", "kid": "s", "k": URL_SAFE_NO_PAD.encode([7; 32]) });
        assert_eq!(problem(&jwk), KeyProblem::PublishedSecret);
        let key = read(&jwk.to_string(), Origin::Private).unwrap();
        assert!(key.fits(SigningAlgorithm::Hs256));
        assert!(!key.fits(SigningAlgorithm::Hs384));
        let short = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode([7; 16]) });
        let refused = read(&short.to_string(), Origin::Private).unwrap_err();
        assert_eq!(refused, KeyProblem::ShortSecret { bytes: 16 });
    }

    #[test]
    fn a_private_key_is_no_use() {
        let jwk = with(&Pair::p256(), "d", json!("AAAA"));
        assert_eq!(problem(&jwk), KeyProblem::Private);
    }

    #[test]
    fn kinds_and_curves_that_do_not_fit_are_refused() {
        for (jwk, expected) in [
            (
                with(&Pair::p256(), "crv", json!("P-384")),
                KeyProblem::Malformed,
            ),
            (
                with(&Pair::p256(), "crv", json!("secp256k1")),
                KeyProblem::UnknownKind,
            ),
            (
                with(&Pair::p256(), "kty", json!("RSA")),
                KeyProblem::Malformed,
            ),
            (
                with(&Pair::p256(), "kty", json!("OKP")),
                KeyProblem::UnknownKind,
            ),
            (
                with(&Pair::p256(), "y", json!("AAAA")),
                KeyProblem::Malformed,
            ),
            (with(&Pair::p256(), "x", json!("!!")), KeyProblem::Malformed),
            (with(&Pair::rsa(), "n", json!(null)), KeyProblem::Malformed),
            (
                with(&Pair::rsa(), "n", json!(URL_SAFE_NO_PAD.encode([0xff; 64]))),
                KeyProblem::Size,
            ),
            (with(&Pair::rsa(), "kid", json!(7)), KeyProblem::Malformed),
            (json!({ "kty": "AKP" }), KeyProblem::UnknownKind),
            (json!({ "kid": "k" }), KeyProblem::Malformed),
            (json!([]), KeyProblem::Malformed),
        ] {
            assert_eq!(problem(&jwk), expected, "{jwk}");
        }
    }

    #[test]
    fn a_member_that_is_there_twice_makes_a_key_malformed() {
        let json = Pair::p256().jwk("k").to_string();
        let twice = json.replacen('{', "{\"kty\":\"oct\",", 1);
        let refused = read(&twice, Origin::Published).unwrap_err();
        assert_eq!(refused, KeyProblem::Malformed);
    }
}
