//! The HTTP API for back ends.

use crate::http::RequestCounters;
use crate::metrics::metric::Metric;
use crate::metrics::sheet::Sheet;

pub(super) static METRICS: [&Metric; 2] = [&REQUESTS, &TIME];

static REQUESTS: Metric = Metric::counter(
    "mesahub_http_requests",
    &["method", "route", "status"],
    "Requests to the HTTP API that were answered; route is the path as /openapi.json has it, or \
     none.",
);
static TIME: Metric = Metric::histogram(
    "mesahub_http_request_seconds",
    &["method", "route"],
    "How long these answers took, from the head of the request on.",
);

pub(super) fn write(sheet: &mut Sheet, requests: &RequestCounters) {
    let mut family = sheet.family(&REQUESTS);
    for of_route in requests.each() {
        for (status, count) in &of_route.statuses {
            family.value(&[of_route.method, of_route.route, status], count);
        }
    }
    let mut family = sheet.family(&TIME);
    for of_route in requests.each() {
        family.histogram(&[of_route.method, of_route.route], of_route.time);
    }
}
