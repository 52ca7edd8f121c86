//! Good tokens, whose bearers try what is not theirs.

use serde_json::{Value, json};

use crate::attempt::Attempt;
use crate::house::House;
use crate::token::{self, KEY_ID, claims, service, signed};

pub(crate) fn rows(house: &House) -> Vec<Attempt> {
    let with = |mut claims: Value, more: &[(&str, Value)]| {
        for (name, value) in more {
            claims[*name] = value.clone();
        }
        signed(&claims)
    };
    let person = |more: &[(&str, Value)]| with(claims(), more);
    let service_of = |more: &[(&str, Value)]| with(service(), more);
    let mut rows = vec![
        Attempt::publishing("an admin who publishes", &person(&[]), "mesa"),
        Attempt::publishing(
            "an admin who lists tenants",
            &person(&[("tenants", json!(["*"]))]),
            "mesa",
        ),
        Attempt::publishing(
            "a customer who publishes",
            &person(&[("role", json!("Customer"))]),
            "mesa",
        ),
        Attempt::publishing(
            "somebody without a role",
            &person(&[("role", json!(null))]),
            "mesa",
        ),
        Attempt::publishing(
            "an admin with the published key",
            &token::of_pair(&house.curve, Some(KEY_ID), &claims()),
            "mesa",
        ),
    ];
    for role in [
        "service",
        "SERVICE",
        "Service ",
        " Service",
        "Services",
        "Service,Admin",
    ] {
        let token = person(&[("role", json!(role)), ("tenants", json!("*"))]);
        rows.push(Attempt::publishing(
            format!("the role {role:?}"),
            &token,
            "mesa",
        ));
    }
    for scope in [
        "services",
        "self-service",
        "service:read",
        "Service",
        "service\tread",
    ] {
        let token = person(&[("scope", json!(scope)), ("tenants", json!("*"))]);
        rows.push(Attempt::publishing(
            format!("the scope {scope:?}"),
            &token,
            "mesa",
        ));
    }
    for tenant in ["other", "Mesa", "MESA", "mesa2", "mes", "mesa-", "mesa."] {
        let name = format!("a service of mesa for the tenant {tenant:?}");
        rows.push(Attempt::publishing(name, &service_of(&[]), tenant));
    }
    rows.push(Attempt::publishing(
        "a service of two tenants for a third",
        &service_of(&[("tenants", json!(["mesa", "other"]))]),
        "third",
    ));
    rows.push(Attempt::publishing(
        "a service of another tenant than its own",
        &service_of(&[("tenants", json!(["other"]))]),
        "mesa",
    ));
    rows
}
