//! Claims that make no sense, or would make sense of something that they should not. All are signed
//! as they should be: what an issuer lets people write about themselves ends up in tokens.

use serde_json::{Value, json};

use crate::attempt::Attempt;
use crate::house::House;
use crate::token::{KEY, claims, signed, with, written};

const INVALID: &str = "token_invalid_claim";

pub(crate) fn rows(_house: &House) -> Vec<Attempt> {
    let mut rows = tenants();
    rows.extend(people());
    rows.extend(services());
    rows.extend(twice());
    rows
}

fn row(claim: &str, value: Value) -> Attempt {
    let mut shown = value.to_string();
    if shown.len() > 60 {
        shown = format!("{} bytes", shown.len());
    }
    let token = signed(&with(claim, value));
    Attempt::token(format!("{claim} as {shown}"), &token, INVALID)
}

/// Tenants that would be another one, or several, in the name of a channel.
fn tenants() -> Vec<Attempt> {
    [
        json!("mesa:admins"),
        json!("mesa:admins:orders"),
        json!(":mesa"),
        json!("tenant:mesa"),
        json!("*"),
        json!("mesa.*>"),
        json!("#"),
        json!("mesa/../other"),
        json!("mesa\0other"),
        json!("mesa\nother"),
        json!("mesa other"),
        json!(" mesa"),
        json!("mesa "),
        json!("m\u{e9}sa"),
        json!("\u{43c}esa"),
        json!("mesa\u{200b}"),
        json!("m".repeat(65)),
        json!(["mesa"]),
        json!(["mesa", "other"]),
        json!({ "key": "mesa" }),
        json!(true),
        json!(1.5),
    ]
    .into_iter()
    .map(|value| row("tenantKey", value))
    .collect()
}

fn people() -> Vec<Attempt> {
    let many: Vec<_> = (0..40).map(|index| format!("role{index}")).collect();
    [
        ("userId", json!("ann\0")),
        ("userId", json!("ann\n")),
        ("userId", json!("ann\r\nX-Admin: 1")),
        ("userId", json!(" ann")),
        ("userId", json!("a\u{202e}nn")),
        ("userId", json!("u".repeat(257))),
        ("userId", json!(["ann"])),
        ("userId", json!({})),
        ("userId", json!(false)),
        ("userId", json!(1e9)),
        ("role", json!({ "name": "Admin" })),
        ("role", json!([["Admin"]])),
        ("role", json!([1])),
        ("role", json!(["Admin", null])),
        ("role", json!("Admin\0")),
        ("role", json!("Admin\nStaff")),
        ("role", json!("r".repeat(65))),
        ("role", json!(many)),
        ("role", json!(true)),
        (
            "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
            json!([{}]),
        ),
        ("sessionId", json!("table 4")),
        ("sessionId", json!("00000000-0000-0000-0000-000000000000")),
        (
            "sessionId",
            json!("3f2504e0-4f89-41d3-9a0c-0305e82c3301:admins"),
        ),
        ("sessionId", json!("3f2504e0-4f89-41d3-9a0c-0305e82c330")),
        ("sessionId", json!(["3f2504e0-4f89-41d3-9a0c-0305e82c3301"])),
        ("sessionId", json!(7)),
        ("jti", json!("j".repeat(257))),
        ("jti", json!("a\0b")),
        ("jti", json!([])),
        ("scope", json!({ "service": true })),
        ("scope", json!(1)),
    ]
    .into_iter()
    .map(|(claim, value)| row(claim, value))
    .collect()
}

/// Services that would publish for tenants that are none.
fn services() -> Vec<Attempt> {
    [
        json!([]),
        json!([1]),
        json!({}),
        json!("other:admins"),
        json!(["mesa", "other:admins"]),
        json!(["**"]),
        json!(["mesa", ""]),
        json!("mesa,other"),
        json!(true),
    ]
    .into_iter()
    .map(|tenants| {
        let mut claims = with("role", json!("Service"));
        claims["tenants"] = tenants.clone();
        let name = format!("a service for the tenants {tenants}");
        Attempt::token(name, &signed(&claims), INVALID)
    })
    .collect()
}

/// Claims that are there twice, of which a gateway before us may have read the other one.
fn twice() -> Vec<Attempt> {
    [
        ("role", json!("Admin")),
        ("role", json!(["Service"])),
        ("tenantKey", json!("other")),
        ("userId", json!("ann")),
        ("sub", json!("ann")),
        ("exp", json!(4_000_000_000_u32)),
        ("iss", json!("https://evil.example")),
        ("aud", json!("shop")),
        ("nbf", json!(0)),
    ]
    .into_iter()
    .map(|(claim, value)| {
        let mut first = claims();
        if first.get(claim).is_none() {
            first[claim] = value.clone();
        }
        let text = first.to_string();
        let payload = format!("{},\"{claim}\":{value}}}", &text[..text.len() - 1]);
        let token = written("{\"alg\":\"HS256\"}", payload, KEY);
        Attempt::token(
            format!("{claim} twice, then as {value}"),
            &token,
            "token_malformed",
        )
    })
    .collect()
}
