//! Running the load, with its progress on standard error.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use mesahub::config::Loaded;
use mesahub::load::{Progress, run as load};

use super::arguments::LoadArguments;
use super::plan::plan;

/// Does what is wanted, and prints what it has found.
pub(in crate::cli) fn run(
    loaded: impl FnOnce() -> Result<Loaded, Box<dyn Error>>,
    wanted: LoadArguments,
) -> Result<ExitCode, Box<dyn Error>> {
    let as_json = wanted.json;
    let plan = plan(loaded, wanted)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(load(plan, &mut tell))?;
    let text = match as_json {
        true => serde_json::to_string_pretty(&report)?,
        false => report.to_string(),
    };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(match report.good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn tell(progress: &Progress) {
    let Progress {
        doing,
        connected,
        connections,
        published,
        heard,
        expected,
    } = progress;
    // Nothing is left to do for a process whose standard error is closed.
    let _ = writeln!(
        std::io::stderr(),
        "{doing:<12} {connected}/{connections} connected, {published} published, {heard}/{expected} heard"
    );
}
