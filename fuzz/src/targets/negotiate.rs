//! The query string of a negotiate request.

use mesahub_protocol::{NegotiateQuery, negotiate};

use crate::seeds::texts;
use crate::target::Target;

/// [`NegotiateQuery::parse`].
pub const QUERY: Target = Target {
    name: "negotiate_query",
    decode: query,
    seeds: queries,
};

fn query(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match NegotiateQuery::parse(&text) {
        Ok(query) => match query.agreed_version(0) {
            Ok(version) => assert!((0..=negotiate::MAX_VERSION).contains(&version)),
            Err(error) => assert!(query.version < 0, "{error}"),
        },
        Err(error) => assert!(error.body().contains("error")),
    }
}

fn queries() -> Vec<Vec<u8>> {
    texts(&[
        "",
        "negotiateVersion=1",
        "negotiateVersion=0",
        "negotiateVersion=1&useStatefulReconnect=true",
        "NEGOTIATEVERSION=2&UseStatefulReconnect=False",
        "negotiateVersion=-1",
        "negotiateVersion=one",
        "negotiateVersion=%31&a=b+c&access_token=%41%zz%4",
        "negotiateVersion=1&negotiateVersion=0&=&&x",
        "negotiateVersion=99999999999999999999",
    ])
}
