//! Genuine tokens at the wrong time, from the wrong issuer, for somebody else.

use serde_json::{Value, json};

use crate::attempt::Attempt;
use crate::house::{AUDIENCE, House, ISSUER};
use crate::token::{self, now, signed, with, without};

const INVALID: &str = "token_invalid_claim";

pub(crate) fn rows(house: &House) -> Vec<Attempt> {
    let mut rows = times(house);
    rows.extend(issuers());
    rows.extend(audiences());
    rows
}

fn times(house: &House) -> Vec<Attempt> {
    let now = now();
    let late = with("exp", json!(now - 3600));
    let early = with("nbf", json!(now + 3600));
    let mut rows = vec![
        Attempt::token(
            "expired long ago",
            &signed(&with("exp", json!(0))),
            "token_expired",
        ),
        Attempt::token("expired an hour ago", &signed(&late), "token_expired"),
        Attempt::token(
            "expired more than the leeway ago",
            &signed(&with("exp", json!(now - 31))),
            "token_expired",
        ),
        Attempt::token(
            "expired, by the RSA key",
            &token::of_pair(&house.rsa, None, &late),
            "token_expired",
        ),
        Attempt::token(
            "expired, by the published key",
            &token::of_pair(&house.curve, Some(token::KEY_ID), &late),
            "token_expired",
        ),
        Attempt::token("not valid yet", &signed(&early), "token_not_yet_valid"),
        Attempt::token(
            "not valid yet, by the published key",
            &token::of_pair(&house.curve, Some(token::KEY_ID), &early),
            "token_not_yet_valid",
        ),
        Attempt::token("without an end", &signed(&without("exp")), INVALID),
    ];
    for (claim, value) in [
        ("exp", json!(null)),
        ("exp", json!("9999999999")),
        ("exp", json!("")),
        ("exp", json!([now + 3600])),
        ("exp", json!({ "at": now + 3600 })),
        ("exp", json!(true)),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(i64::MAX)),
        ("nbf", json!("tomorrow")),
        ("nbf", json!(-1)),
        ("nbf", json!(1e300)),
        ("nbf", json!([0])),
    ] {
        let name = format!("{claim} as {value}");
        rows.push(Attempt::token(name, &signed(&with(claim, value)), INVALID));
    }
    rows
}

fn issuers() -> Vec<Attempt> {
    let mut rows = vec![Attempt::token(
        "without an issuer",
        &signed(&without("iss")),
        "token_wrong_issuer",
    )];
    for issuer in [
        "https://evil.example",
        "https://LOGIN.mesa.example",
        "https://login.mesa.example/",
        "https://login.mesa.example.evil.example",
        "https://login.mesa.example\0",
        " https://login.mesa.example",
        "http://login.mesa.example",
        "",
    ] {
        let token = signed(&with("iss", json!(issuer)));
        let name = format!("issuer {issuer:?}");
        rows.push(Attempt::token(name, &token, "token_wrong_issuer"));
    }
    for issuer in [
        json!([ISSUER]),
        json!({ ISSUER: 1 }),
        json!(true),
        json!(1.5),
    ] {
        let name = format!("issuer as {issuer}");
        rows.push(Attempt::token(name, &signed(&with("iss", issuer)), INVALID));
    }
    rows
}

fn audiences() -> Vec<Attempt> {
    let wrong: [Value; 8] = [
        json!("shop"),
        json!("hub2"),
        json!("HUB"),
        json!("hub kitchen"),
        json!("hub,kitchen"),
        json!(["shop", "bar"]),
        json!([]),
        json!(null),
    ];
    let mut rows: Vec<_> = wrong
        .into_iter()
        .map(|audience| {
            let name = format!("audience {audience}");
            let token = signed(&with("aud", audience));
            Attempt::token(name, &token, "token_wrong_audience")
        })
        .collect();
    rows.push(Attempt::token(
        "without an audience",
        &signed(&without("aud")),
        "token_wrong_audience",
    ));
    for audience in [
        json!(1),
        json!({ AUDIENCE: true }),
        json!([AUDIENCE, 1]),
        json!([[AUDIENCE]]),
    ] {
        let name = format!("audience as {audience}");
        rows.push(Attempt::token(
            name,
            &signed(&with("aud", audience)),
            INVALID,
        ));
    }
    rows
}
