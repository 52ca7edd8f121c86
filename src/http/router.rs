//! From a method and a path to an operation.

use http::Method;

use super::escape;
use super::operation::{Operation, Verb, variable};
use super::problem::Problem;

/// Below this everything is ours, so that an unknown path there gets a proper answer.
const API: &str = "/api/v1/";

/// What stands behind a path.
pub(super) enum Found {
    /// An operation, with the values of its path.
    Operation(&'static Operation, Vec<(&'static str, String)>),
    /// Nothing to do, for this reason.
    Problem(Problem),
    /// The path belongs to somebody else.
    Elsewhere,
}

/// Finds the operation of a table for a request. HEAD is answered as GET.
pub(super) fn find(table: &'static [Operation], method: &Method, path: &str) -> Found {
    let asked = if method == Method::HEAD {
        Verb::Get.as_str()
    } else {
        method.as_str()
    };
    let mut allowed = Vec::new();
    for operation in table {
        let Some(values) = matching(operation.path, path) else {
            continue;
        };
        if operation.verb.as_str() != asked {
            allowed.push(operation.verb.as_str());
            continue;
        }
        return match decoded(values) {
            Ok(values) => Found::Operation(operation, values),
            Err(problem) => Found::Problem(problem),
        };
    }
    if !allowed.is_empty() {
        Found::Problem(Problem::wrong_method(&listed(allowed)))
    } else if path.starts_with(API) {
        Found::Problem(Problem::no_such_path())
    } else {
        Found::Elsewhere
    }
}

/// The varying segments of a path that fits the template, still encoded. None may be empty.
fn matching<'p>(template: &'static str, path: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
    let mut values = Vec::new();
    let mut segments = path.split('/');
    for expected in template.split('/') {
        let segment = segments.next()?;
        match variable(expected) {
            Some(name) if !segment.is_empty() => values.push((name, segment)),
            None if segment == expected => {}
            _ => return None,
        }
    }
    segments.next().is_none().then_some(values)
}

fn decoded(values: Vec<(&'static str, &str)>) -> Result<Vec<(&'static str, String)>, Problem> {
    let decode = |(name, text)| {
        let broken = "expected UTF-8 with each '%' followed by two hexadecimal digits";
        let value = escape::decode(text, false);
        Ok((name, value.ok_or_else(|| Problem::malformed(name, broken))?))
    };
    values.into_iter().map(decode).collect()
}

fn listed(mut allowed: Vec<&str>) -> String {
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    allowed.join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::http::table::OPERATIONS;

    fn values(method: &Method, path: &str) -> Result<(&'static str, Vec<String>), u16> {
        match find(&OPERATIONS, method, path) {
            Found::Operation(operation, values) => Ok((
                operation.id,
                values.into_iter().map(|(_, value)| value).collect(),
            )),
            Found::Problem(problem) => Err(problem.status().as_u16()),
            Found::Elsewhere => Err(0),
        }
    }

    #[test]
    fn a_path_leads_to_its_operation_with_decoded_values() {
        let found = values(&Method::GET, "/api/v1/tenants/demo/users/a%2Fb%3A1/online").unwrap();
        assert_eq!(
            found,
            ("isUserOnline", vec!["demo".to_owned(), "a/b:1".to_owned()])
        );
        assert_eq!(values(&Method::HEAD, "/health/live").unwrap().0, "live");
    }

    #[test]
    fn other_methods_paths_and_escapes_are_told_apart() {
        assert_eq!(values(&Method::PATCH, "/api/v1/notifications"), Err(405));
        assert_eq!(values(&Method::POST, "/api/v1/notification"), Err(404));
        assert_eq!(values(&Method::POST, "/api/v1/notifications/"), Err(404));
        assert_eq!(
            values(&Method::GET, "/api/v1/tenants//connections"),
            Err(404)
        );
        assert_eq!(
            values(&Method::GET, "/api/v1/tenants/%zz/connections"),
            Err(400)
        );
        assert_eq!(values(&Method::GET, "/hubs/notifications"), Err(0));
    }

    #[test]
    fn no_path_fits_two_templates() {
        for (index, one) in OPERATIONS.iter().enumerate() {
            let example = one.path.replace(['{', '}'], "");
            for other in &OPERATIONS[index + 1..] {
                let same = one.path == other.path;
                assert!(
                    same || matching(other.path, &example).is_none(),
                    "{example}"
                );
                assert!(!same || one.verb != other.verb, "{example}");
            }
        }
    }
}
