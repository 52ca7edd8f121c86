//! What this server is, and whether it takes traffic.

use crate::broker;
use crate::metrics::metric::{Kind, Metric};
use crate::metrics::sheet::Sheet;

pub(super) static METRICS: [&Metric; 2] = [&READY, &BUILD];

static READY: Metric = Metric::gauge(
    "mesahub_ready",
    &[],
    "Whether the server takes traffic (1), or is starting or stopping (0).",
);
static BUILD: Metric = Metric::new(
    "mesahub_build",
    Kind::Info,
    &["version", "backplanes"],
    "The version of the server, and the backplanes that are compiled in.",
);

pub(super) fn write(sheet: &mut Sheet, is_ready: bool) {
    sheet.single(&READY, u8::from(is_ready));
    let backplanes = broker::compiled().join(",");
    let labels = [env!("CARGO_PKG_VERSION"), &backplanes];
    sheet.family(&BUILD).value(&labels, 1);
}
