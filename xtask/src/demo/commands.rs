//! The text that the demo prints: variables with tokens, then commands that use them.

use super::http::Address;
use super::tokens::{ORDER, SESSION, TENANT, Tokens};

/// Everything a visitor can paste into a second terminal.
pub(crate) fn to_paste(address: &Address, tokens: &Tokens) -> String {
    let Tokens {
        admin,
        customer,
        service,
    } = tokens;
    let new_order = publish(&format!(
        r#"{{"type":"NewOrder","tenantKey":"{TENANT}","orderId":"{ORDER}","tableNumber":"12","order":{{"items":["Margherita"]}}}}"#
    ));
    let ready = publish(&format!(
        r#"{{"type":"OrderStatusChanged","tenantKey":"{TENANT}","orderId":"{ORDER}","status":"Ready","order":{{}}}}"#
    ));
    let customer_update = publish(&format!(
        r#"{{"type":"CustomerOrderUpdate","tenantKey":"{TENANT}","sessionId":"{SESSION}","status":"Ready","order":{{}}}}"#
    ));
    format!(
        r#"
mesahub runs at {address} until you press Ctrl-C here.

1. In other terminals, in this folder, first paste these (they last a day):

export MESAHUB={address}
export ADMIN={admin}
export CUSTOMER={customer}
export SERVICE={service}

2. Watch as an admin of the tenant "{TENANT}", or as a customer at table 12.
   With Rust alone:

cargo xtask watch $MESAHUB $ADMIN
cargo xtask watch $MESAHUB $CUSTOMER

   With Microsoft's own client, in Node:

npm ci --prefix tests/clients && node tests/clients/watch.mjs $MESAHUB $ADMIN

3. Publish as the back end would. A new order, for the admins:

{new_order}

   The order is ready, for the admins:

{ready}

   The same, for the customer's dining session:

{customer_update}
"#
    )
}

fn publish(json: &str) -> String {
    format!(
        "curl -i -w '\\n' $MESAHUB/api/v1/notifications -H \"Authorization: Bearer $SERVICE\" \\\n  \
         -H 'Content-Type: application/json' \\\n  -d '{json}'"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_printed_body_is_json_in_single_quotes() {
        let tokens = Tokens {
            admin: "a.b.c".to_owned(),
            customer: "d.e.f".to_owned(),
            service: "g.h.i".to_owned(),
        };
        let address = Address::parse("http://127.0.0.1:5080").unwrap();
        let text = to_paste(&address, &tokens);
        let bodies: Vec<&str> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("-d '"))
            .map(|rest| rest.strip_suffix('\'').unwrap())
            .collect();
        assert_eq!(bodies.len(), 3);
        for body in bodies {
            let body: Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["tenantKey"], TENANT);
            assert!(!body.to_string().contains('\''));
        }
    }
}
