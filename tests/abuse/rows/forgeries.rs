//! Signatures that are not those of our keys.

use serde_json::json;

use crate::attempt::Attempt;
use crate::house::House;
use crate::key_pair::Pair;
use crate::token::{self, KEY, KEY_ID, encoded, parts};

const FORGED: &str = "token_bad_signature";
const MALFORMED: &str = "token_malformed";

pub(crate) fn rows(house: &House) -> Vec<Attempt> {
    let mut rows = wrong_keys(house);
    rows.extend(spliced());
    rows.extend(made_up(house));
    rows
}

fn wrong_keys(house: &House) -> Vec<Attempt> {
    let claims = token::claims();
    let header = json!({ "alg": "HS256" }).to_string();
    let mut rows: Vec<_> = [
        ("nothing", String::new()),
        ("a byte of zero", "\0".to_owned()),
        ("the word secret", "secret".to_owned()),
        (
            "the secret without its end",
            KEY[..KEY.len() - 1].to_owned(),
        ),
        ("the secret with a line break", format!("{KEY}\n")),
        ("the secret in capitals", KEY.to_uppercase()),
        ("the secret in base64", encoded(KEY)),
        ("what stands in its place in a log", "***".to_owned()),
    ]
    .into_iter()
    .map(|(what, secret)| {
        let token = token::written(&header, claims.to_string(), secret);
        Attempt::token(format!("signed with {what}"), &token, FORGED)
    })
    .collect();
    rows.extend([
        Attempt::token(
            "signed with another RSA key",
            &token::of_pair(&Pair::other_rsa(), None, &claims),
            FORGED,
        ),
        Attempt::token(
            "signed with another curve key under the name of ours",
            &token::of_pair(&Pair::p256(), Some(KEY_ID), &claims),
            FORGED,
        ),
        Attempt::token(
            "signed with another curve key under no name",
            &token::of_pair(&Pair::p256(), None, &claims),
            FORGED,
        ),
        Attempt::token(
            "signed with a key of another name",
            &token::of_pair(&Pair::p256(), Some("es-2"), &claims),
            "token_unknown_key",
        ),
        Attempt::token(
            "signed with our own key under another name",
            &token::of_pair(&house.curve, Some("ES-1"), &claims),
            "token_unknown_key",
        ),
    ]);
    rows
}

/// Parts of genuine tokens, put together anew.
fn spliced() -> Vec<Attempt> {
    let mine = token::signed(&token::with("role", json!("Customer")));
    let [header, payload, signature] = parts(&mine);
    let admin = encoded(token::claims().to_string());
    let other = token::signed(&token::with("userId", json!("ann")));
    let [_, _, others] = parts(&other);
    let last = signature.chars().next_back().unwrap();
    let cut = &signature[..signature.len() - 1];
    let flipped = if last == 'A' { 'E' } else { 'A' };
    let loud = encoded(json!({ "alg": "HS256", "kid": "x" }).to_string());
    [
        (
            "other claims under a genuine signature",
            format!("{header}.{admin}.{signature}"),
            FORGED,
        ),
        (
            "another header over a genuine signature",
            format!("{loud}.{payload}.{signature}"),
            FORGED,
        ),
        (
            "the signature of another token",
            format!("{header}.{payload}.{others}"),
            FORGED,
        ),
        ("no signature", format!("{header}.{payload}."), FORGED),
        (
            "half a signature",
            format!("{header}.{payload}.{}", &signature[..24]),
            FORGED,
        ),
        (
            "a signature and two bytes more",
            format!("{mine}AAA"),
            FORGED,
        ),
        (
            "a signature of 64 bytes",
            format!("{header}.{payload}.{}", encoded([7_u8; 64])),
            FORGED,
        ),
        (
            "a signature with its end changed",
            format!("{header}.{payload}.{cut}{flipped}"),
            FORGED,
        ),
        (
            "a signature with bits that nobody reads",
            format!("{header}.{payload}.{cut}B"),
            MALFORMED,
        ),
        (
            "a signature of zeros",
            format!("{header}.{payload}.{}", encoded([0_u8; 32])),
            FORGED,
        ),
        ("a signature with padding", format!("{mine}="), MALFORMED),
        (
            "a signature in plain base64",
            format!("{header}.{payload}.+/{}", &signature[2..]),
            MALFORMED,
        ),
        (
            "a signature that is no base64",
            format!("{header}.{payload}.!{}", &signature[1..]),
            MALFORMED,
        ),
    ]
    .into_iter()
    .map(|(name, token, code)| Attempt::token(name, &token, code))
    .collect()
}

/// Signatures that faulty libraries have taken for genuine ones.
fn made_up(house: &House) -> Vec<Attempt> {
    let under = |alg: &str, kid: Option<&str>, signature: &[u8]| {
        let mut header = json!({ "alg": alg });
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        let header = encoded(header.to_string());
        let claims = encoded(token::claims().to_string());
        format!("{header}.{claims}.{}", encoded(signature))
    };
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let ones = [[0; 31].as_slice(), &[1], &[0; 31], &[1]].concat();
    // Two numbers of one, as a sequence in DER.
    let sequence = [0x30, 6, 2, 1, 1, 2, 1, 1];
    let genuine = token::of_pair(&house.curve, Some(KEY_ID), &token::claims());
    let [header, _, signature] = parts(&genuine);
    let other = encoded(token::with("userId", json!("ann")).to_string());
    [
        (
            "ES256 with two zeros",
            under("ES256", Some(KEY_ID), &[0; 64]),
        ),
        ("ES256 with two ones", under("ES256", Some(KEY_ID), &ones)),
        (
            "ES256 with the order of the curve",
            under("ES256", Some(KEY_ID), &[order, order].concat()),
        ),
        ("ES256 with nothing", under("ES256", Some(KEY_ID), &[])),
        (
            "ES256 with one number",
            under("ES256", Some(KEY_ID), &[1; 32]),
        ),
        (
            "ES256 with a sequence in DER",
            under("ES256", Some(KEY_ID), &sequence),
        ),
        (
            "ES256 with the numbers of ES512",
            under("ES256", Some(KEY_ID), &[1; 132]),
        ),
        (
            "ES256 with the signature of other claims",
            format!("{header}.{other}.{signature}"),
        ),
        ("RS256 with zeros", under("RS256", None, &[0; 256])),
        ("RS256 with one", under("RS256", None, &[1])),
        ("RS256 with all bits", under("RS256", None, &[0xff; 256])),
        ("RS256 with nothing", under("RS256", None, &[])),
        ("RS256 with 4096 bits", under("RS256", None, &[7; 512])),
        ("HS256 with nothing", under("HS256", None, &[])),
    ]
    .into_iter()
    .map(|(name, token)| Attempt::token(name, &token, FORGED))
    .collect()
}
