//! `mesahub doctor`.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use mesahub::app::options;
use mesahub::config::{Backplane, ConfigError, Loaded, Sources, load};
use mesahub::doctor;
use mesahub_broker::{Finding, Verdict};
use serde_json::{Value, json};

/// What stands in front of lines that belong to the one before: as much as the verdict and the name
/// of a check take.
const MARGIN: &str = "                            ";

/// Examines the configured backplane and prints what was found: a line for each check as it is
/// made, or all at the end as JSON.
pub(super) fn run(sources: &Sources, as_json: bool) -> Result<ExitCode, Box<dyn Error>> {
    let mut findings = Vec::new();
    let mut broken = None;
    let backplane = examine(sources, &mut |finding| {
        if !as_json && let Err(error) = print(&finding) {
            broken.get_or_insert(error);
        }
        findings.push(finding);
    })?;
    let name = backplane.map_or_else(|| "unknown".to_owned(), |it| it.to_string());
    let end = match as_json {
        true => serde_json::to_string_pretty(&report(&name, &findings))?,
        false => format!("{name}: {}", summary(&findings)),
    };
    writeln!(io::stdout(), "{end}")?;
    if let Some(error) = broken {
        return Err(error.into());
    }
    Ok(match findings.iter().any(Finding::is_failure) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// What the configuration names is examined once the configuration is good.
fn examine(
    sources: &Sources,
    tell: &mut (dyn FnMut(Finding) + Send),
) -> io::Result<Option<Backplane>> {
    let (loaded, backplane) = match configured(sources) {
        Ok(configured) => configured,
        Err(error) => {
            tell(doctor::misconfigured(&error));
            return Ok(None);
        }
    };
    let bounds = options::log(&loaded.settings);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(doctor::examine(&backplane, &bounds, tell));
    Ok(Some(backplane))
}

fn configured(sources: &Sources) -> Result<(Loaded, Backplane), ConfigError> {
    let loaded = load(sources)?;
    let backplane = loaded.settings.backplane()?;
    Ok((loaded, backplane))
}

fn print(finding: &Finding) -> io::Result<()> {
    let (verdict, mend) = verdict(finding);
    let seen = finding.seen.replace('\n', &format!("\n{MARGIN}"));
    let mut out = io::stdout().lock();
    writeln!(out, "{verdict:<8} {:<18} {seen}", finding.check)?;
    if let Some(mend) = mend {
        writeln!(out, "{MARGIN}→ {mend}")?;
    }
    Ok(())
}

fn verdict(finding: &Finding) -> (&'static str, Option<&str>) {
    match &finding.verdict {
        Verdict::Good => ("ok", None),
        Verdict::Unknown => ("unknown", None),
        Verdict::Warning { mend } => ("warning", Some(mend)),
        Verdict::Failed { mend } => ("failed", Some(mend)),
    }
}

fn summary(findings: &[Finding]) -> String {
    let counts = ["failed", "warning", "unknown", "ok"].map(|word| {
        let count = findings.iter().filter(|it| verdict(it).0 == word).count();
        (count > 0).then(|| format!("{count} {word}"))
    });
    counts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn report(backplane: &str, findings: &[Finding]) -> Value {
    let finding = |finding: &Finding| {
        let (verdict, mend) = verdict(finding);
        let mut told = json!({
            "check": finding.check,
            "verdict": verdict,
            "seen": finding.seen,
        });
        if let Some(mend) = mend {
            told["mend"] = mend.into();
        }
        told
    };
    json!({
        "backplane": backplane,
        "failed": findings.iter().any(Finding::is_failure),
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
    })
}
