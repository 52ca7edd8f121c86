//! What the HTTP API counts.

use std::time::Duration;

use http::StatusCode;

use super::operation::Operation;
use super::table::OPERATIONS;
use crate::hub::Histogram;
use crate::hub::counters::Counter;

/// The statuses that are told apart; all others count as one.
const STATUSES: [u16; 16] = [
    200, 201, 202, 204, 400, 401, 403, 404, 405, 408, 409, 413, 415, 429, 500, 503,
];

/// The route of requests that no operation answers: an unknown path below `/api/v1/`, or a method
/// that a path does not have.
const NO_ROUTE: &str = "none";

/// How often each operation of the API was asked for, how that ended and how long it took. A request
/// whose caller left before its answer is not counted.
#[derive(Debug)]
pub struct RequestCounters {
    /// In the order of the table; the last is of requests without an operation.
    by_route: Vec<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    statuses: [Counter; STATUSES.len() + 1],
    time: Histogram,
}

/// What was counted of one operation.
#[derive(Debug)]
pub struct Requests<'a> {
    /// The method, or `other`.
    pub method: &'static str,
    /// The path as the OpenAPI document has it, with `{name}` for what varies, or `none`.
    pub route: &'static str,
    /// How often each status was answered; only those that were.
    pub statuses: Vec<(String, u64)>,
    /// How long the answers took, from the head of the request to that of the answer.
    pub time: &'a Histogram,
}

impl RequestCounters {
    /// What was counted of each operation that was asked for, in the order of the document.
    pub fn each(&self) -> impl Iterator<Item = Requests<'_>> {
        let routes = OPERATIONS.iter().map(|it| (it.verb.as_str(), it.path));
        routes
            .chain([("other", NO_ROUTE)])
            .zip(&self.by_route)
            .map(|((method, route), counted)| Requests {
                method,
                route,
                statuses: counted.statuses(),
                time: &counted.time,
            })
            .filter(|requests| !requests.statuses.is_empty())
    }

    pub(super) fn record(
        &self,
        operation: Option<&'static Operation>,
        status: StatusCode,
        took: Duration,
    ) {
        let place = operation.and_then(|asked| {
            OPERATIONS
                .iter()
                .position(|operation| std::ptr::eq(operation, asked))
        });
        let counted = &self.by_route[place.unwrap_or(OPERATIONS.len())];
        let known = STATUSES.iter().position(|known| *known == status.as_u16());
        counted.statuses[known.unwrap_or(STATUSES.len())].add(1);
        counted.time.record(took);
    }
}

impl Default for RequestCounters {
    fn default() -> Self {
        let by_route = (0..=OPERATIONS.len()).map(|_| Counted::default());
        Self {
            by_route: by_route.collect(),
        }
    }
}

impl Counted {
    fn statuses(&self) -> Vec<(String, u64)> {
        let names = STATUSES.iter().map(u16::to_string);
        names
            .chain(["other".to_owned()])
            .zip(self.statuses.iter().map(Counter::value))
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_for_its_operation_and_its_status() {
        let counters = RequestCounters::default();
        let took = Duration::from_millis(3);
        counters.record(Some(&OPERATIONS[0]), StatusCode::ACCEPTED, took);
        counters.record(Some(&OPERATIONS[0]), StatusCode::IM_A_TEAPOT, took);
        counters.record(None, StatusCode::NOT_FOUND, took);
        let told: Vec<_> = counters
            .each()
            .map(|it| (it.method, it.route, it.statuses, it.time.count()))
            .collect();
        let once = |status: &str| (status.to_owned(), 1);
        assert_eq!(
            told,
            [
                (
                    "POST",
                    "/api/v1/notifications",
                    vec![once("202"), once("other")],
                    2
                ),
                ("other", "none", vec![once("404")], 1),
            ]
        );
    }
}
