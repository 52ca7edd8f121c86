//! Tokens in places where nobody looks, or where two are.

use crate::attempt::{Attempt, Refusal};
use crate::house::House;
use crate::token::{claims, service, signed, written};
use crate::wire::{Asking, HUB};

const MISSING: Refusal = Refusal::Coded(401, "token_missing");
const FORGED: Refusal = Refusal::Coded(401, "token_bad_signature");
const BAD_REQUEST: Refusal = Refusal::Status(400);

pub(crate) fn rows(_house: &House) -> Vec<Attempt> {
    let good = signed(&service());
    let person = signed(&claims());
    let forged = written("{\"alg\":\"HS256\"}", claims().to_string(), "secret");
    let negotiate = |query: &str| {
        let target = format!("{HUB}/negotiate?negotiateVersion=1{query}");
        Asking::new("POST", &target)
    };
    let api = |query: &str| Asking::new("GET", &format!("/api/v1/tenants/mesa/connections{query}"));
    let authorized = |value: &str| {
        [
            negotiate("").header("Authorization", value),
            Asking::upgrade("").header("Authorization", value),
            Asking::publish("mesa").header("Authorization", value),
        ]
    };
    vec![
        Attempt::new(
            "no token",
            [
                negotiate(""),
                Asking::upgrade(""),
                Asking::publish("mesa"),
                api(""),
            ],
            MISSING,
        ),
        Attempt::new("the scheme alone", authorized("Bearer"), MISSING),
        Attempt::new("the scheme and a space", authorized("Bearer "), MISSING),
        Attempt::new("a token without a scheme", authorized(&good), MISSING),
        Attempt::new(
            "the scheme Basic",
            authorized(&format!("Basic {good}")),
            MISSING,
        ),
        Attempt::new(
            "the scheme Digest",
            authorized(&format!("Digest {good}")),
            MISSING,
        ),
        Attempt::new(
            "a name as of HTTP Basic",
            authorized("Basic YWRtaW46YWRtaW4="),
            MISSING,
        ),
        Attempt::new(
            "the scheme with a tab",
            authorized(&format!("Bearer\t{good}")),
            MISSING,
        ),
        Attempt::new(
            "a token in a cookie",
            [negotiate("").header("Cookie", &format!("access_token={good}"))],
            MISSING,
        ),
        Attempt::new(
            "a token in a header of its own",
            [
                Asking::publish("mesa").header("X-Access-Token", &good),
                negotiate("").header("X-Authorization", &format!("Bearer {good}")),
            ],
            MISSING,
        ),
        Attempt::new(
            "who somebody says that it is",
            [
                negotiate("")
                    .header("X-User", "admin")
                    .header("X-Role", "Admin"),
                Asking::publish("mesa").header("X-Forwarded-User", "admin"),
            ],
            MISSING,
        ),
        Attempt::new(
            "a token in the query of the API",
            [api(&format!("?access_token={good}"))],
            MISSING,
        ),
        Attempt::new(
            "an empty token in the query",
            [
                negotiate("&access_token="),
                Asking::upgrade("?access_token="),
            ],
            MISSING,
        ),
        Attempt::new(
            "a token behind the fragment",
            [negotiate(&format!("&x=1%23access_token={person}"))],
            MISSING,
        ),
        Attempt::new(
            "a forged token in the header and a good one in the query",
            [negotiate(&format!("&access_token={person}")).bearer(&forged)],
            FORGED,
        ),
        Attempt::new(
            "two tokens in the query, the good one behind",
            [negotiate(&format!(
                "&access_token={forged}&access_token={person}"
            ))],
            FORGED,
        ),
        Attempt::new(
            "two headers, the good one behind",
            [negotiate("").bearer(&forged).bearer(&person)],
            FORGED,
        ),
        Attempt::new(
            "a byte of zero in the header",
            authorized(&format!("Bearer {good}\0")),
            BAD_REQUEST,
        ),
        Attempt::new(
            "a byte of zero in the query",
            [negotiate(&format!("&access_token={person}%00"))],
            Refusal::Coded(401, "token_malformed"),
        ),
        Attempt::new(
            "a line break in the query",
            [negotiate(&format!("&access_token={person}%0d%0aX-Admin:1"))],
            Refusal::Coded(401, "token_malformed"),
        ),
        Attempt::new(
            "a header of more than the server reads",
            [negotiate("").bearer(&"A".repeat(100_000))],
            Refusal::Status(431),
        ),
        Attempt::new(
            "a query of more than the server reads",
            [negotiate(&format!("&access_token={}", "A".repeat(40_000)))],
            Refusal::Coded(414, "uri_too_long"),
        ),
        Attempt::new(
            "a method that negotiation does not have",
            ["GET", "PUT", "DELETE"].map(|method| {
                Asking::new(method, &format!("{HUB}/negotiate?negotiateVersion=1")).bearer(&person)
            }),
            Refusal::Status(405),
        ),
    ]
}
