//! What is no token, too much of one, or a token of nothing.

use crate::attempt::Attempt;
use crate::house::House;
use crate::token::{KEY, claims, encoded, signed, written};

const MALFORMED: &str = "token_malformed";

pub(crate) fn rows(_house: &House) -> Vec<Attempt> {
    let mut rows = texts();
    rows.extend(sizes());
    rows.extend(payloads());
    rows
}

fn texts() -> Vec<Attempt> {
    let good = signed(&claims());
    let (message, _) = good.rsplit_once('.').unwrap();
    [
        ("a word", "token".to_owned()),
        ("two parts", message.to_owned()),
        ("four parts", format!("{good}.x")),
        (
            "five parts, as of an encrypted token",
            format!("{good}.x.y"),
        ),
        ("two dots", "..".to_owned()),
        ("a dot", ".".to_owned()),
        ("dots all the way", ".".repeat(2000)),
        ("a token behind a dot", format!(".{good}")),
        ("a token before a dot", format!("{good}.")),
        ("two tokens", format!("{good},{good}")),
        ("a token in quotes", format!("\"{good}\"")),
        ("a token in braces", format!("{{{good}}}")),
        ("a token behind its scheme", format!("Bearer.{good}")),
        ("JSON instead", "{\"alg\":\"none\"}.{}.x".to_owned()),
        ("a path", "../../etc/passwd".to_owned()),
        ("a placeholder", "#{TOKEN}#".to_owned()),
        ("null", "null".to_owned()),
        ("undefined", "undefined".to_owned()),
        ("percent signs", "%2e%2e%00".to_owned()),
    ]
    .into_iter()
    .map(|(name, token)| Attempt::token(name, &token, MALFORMED))
    .collect()
}

fn sizes() -> Vec<Attempt> {
    let mut large = claims();
    large["note"] = "x".repeat(13 * 1024).into();
    let mut deep = claims().to_string();
    deep.pop();
    let nested = format!("{deep},\"x\":{}{}}}", "[".repeat(4000), "]".repeat(4000));
    let header = format!("{{\"alg\":\"HS256\",\"x\":\"{}\"}}", "x".repeat(16 * 1024));
    [
        ("a genuine token of more than 16 KiB", signed(&large)),
        ("16 KiB of letters", "A".repeat(16 * 1024 + 1)),
        ("30 KB of letters", "A".repeat(30_000)),
        (
            "a header of 16 KiB",
            written(&header, claims().to_string(), KEY),
        ),
        (
            "a signature of 16 KiB",
            format!("{}{}", signed(&claims()), "A".repeat(16 * 1024)),
        ),
        (
            "claims that are nested too deep",
            written("{\"alg\":\"HS256\"}", &nested, KEY),
        ),
        (
            "a header that is nested too deep",
            written(
                &format!(
                    "{{\"alg\":\"HS256\",\"x\":{}{}}}",
                    "[".repeat(2000),
                    "]".repeat(2000)
                ),
                claims().to_string(),
                KEY,
            ),
        ),
    ]
    .into_iter()
    .map(|(name, token)| Attempt::token(name, &token, MALFORMED))
    .collect()
}

/// Payloads that are no claims, signed with the secret of the house.
fn payloads() -> Vec<Attempt> {
    let good = claims().to_string();
    let broken = [good.as_bytes(), b"\xff\xfe"].concat();
    let inside = good.replacen("eve", "\u{0}", 1);
    let header = "{\"alg\":\"HS256\"}";
    let mut rows: Vec<_> = [
        ("a list", b"[]".to_vec()),
        ("text", b"\"claims\"".to_vec()),
        ("a number", b"1".to_vec()),
        ("null", b"null".to_vec()),
        ("nothing", Vec::new()),
        ("no JSON", b"<claims/>".to_vec()),
        ("JSON that does not end", good.as_bytes()[..40].to_vec()),
        ("JSON and more", format!("{good} {good}").into_bytes()),
        ("what is no UTF-8", broken),
        ("a byte of zero", vec![0]),
        ("a bare byte of zero in a text", inside.into_bytes()),
        ("a byte order mark", format!("\u{feff}{good}").into_bytes()),
        (
            "UTF-16",
            good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
    ]
    .into_iter()
    .map(|(what, payload)| {
        let token = written(header, payload, KEY);
        Attempt::token(format!("a payload of {what}"), &token, MALFORMED)
    })
    .collect();
    // Compressed, as an encrypted token may be and a signed one may not.
    let squeezed = written("{\"alg\":\"HS256\",\"zip\":\"DEF\"}", b"c\0\0", KEY);
    rows.push(Attempt::token("a compressed payload", &squeezed, MALFORMED));
    let within = written(header, signed(&claims()), KEY);
    rows.push(Attempt::token("a token in a token", &within, MALFORMED));
    let plain = written("{\"alg\":\"HS256\",\"cty\":\"JWT\"}", encoded(&good), KEY);
    rows.push(Attempt::token("claims encoded twice", &plain, MALFORMED));
    rows
}
