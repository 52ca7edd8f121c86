//! The binary, and what it prints.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// What is examined.
#[derive(Default)]
pub(crate) struct Patient {
    settings: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

/// What the doctor said of it.
pub(crate) struct Diagnosis {
    pub(crate) code: Option<i32>,
    pub(crate) report: Value,
    /// Everything that was printed.
    pub(crate) text: String,
}

impl Patient {
    /// A backplane of this provider.
    pub(crate) fn of(provider: &str) -> Self {
        Self::default().set("RealTimeConfiguration:Provider", provider)
    }

    /// With one key set.
    pub(crate) fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.push(format!("{key}={value}"));
        self
    }

    /// With one variable of the environment.
    #[cfg(feature = "redis")]
    pub(crate) fn with(mut self, variable: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((variable, value.into()));
        self
    }

    /// Runs the doctor without keeping other tasks from going on.
    pub(crate) async fn examine(self) -> Diagnosis {
        let output = self.run(&["doctor", "--json"]).await;
        let text = told(&output);
        let report = serde_json::from_slice(&output.stdout);
        Diagnosis {
            code: output.status.code(),
            report: report.unwrap_or_else(|error| panic!("{error}: {text}")),
            text,
        }
    }

    /// Runs the binary with these words.
    pub(crate) async fn run(self, words: &'static [&'static str]) -> Output {
        let running = tokio::task::spawn_blocking(move || self.command(words).output());
        running.await.unwrap().expect("the binary runs")
    }

    fn command(&self, words: &[&'static str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mesahub"));
        command
            .args(words)
            .args(["--environment", "Development", "--config-dir"])
            .arg(OsStr::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config")))
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null());
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        command
    }
}

impl Diagnosis {
    /// The checks that were made, in their order.
    pub(crate) fn checks(&self) -> Vec<&str> {
        let findings = self.report["findings"].as_array().unwrap();
        let checks = findings.iter().map(|finding| &finding["check"]);
        checks.map(|check| check.as_str().unwrap()).collect()
    }

    /// What was found of one check.
    #[track_caller]
    pub(crate) fn of(&self, check: &str) -> &Value {
        let findings = self.report["findings"].as_array().unwrap();
        let finding = findings.iter().find(|finding| finding["check"] == check);
        finding.unwrap_or_else(|| panic!("nothing was found of {check:?}: {}", self.text))
    }

    /// This check has this verdict, and tells this; with something to mend unless it is good.
    #[track_caller]
    pub(crate) fn expect(&self, check: &str, verdict: &str, seen: &str) {
        let finding = self.of(check);
        assert_eq!(finding["verdict"], verdict, "{}", self.text);
        let told = finding["seen"].as_str().unwrap();
        assert!(told.contains(seen), "{told:?} does not tell {seen:?}");
        let mends = matches!(verdict, "warning" | "failed");
        assert_eq!(finding["mend"].is_string(), mends, "{}", self.text);
    }

    /// This check is the only one that failed, it is the last, and the exit code tells of it.
    #[track_caller]
    pub(crate) fn ends_with(&self, check: &str, seen: &str) {
        self.expect(check, "failed", seen);
        assert_eq!(self.checks().last(), Some(&check), "{}", self.text);
        assert_eq!(self.failures(), [check], "{}", self.text);
    }

    /// The checks that failed.
    #[track_caller]
    pub(crate) fn failures(&self) -> Vec<&str> {
        let findings = self.report["findings"].as_array().unwrap();
        let failed: Vec<&str> = findings
            .iter()
            .filter(|finding| finding["verdict"] == "failed")
            .map(|finding| finding["check"].as_str().unwrap())
            .collect();
        assert_eq!(self.report["failed"], !failed.is_empty());
        assert_eq!(
            self.code,
            Some(i32::from(!failed.is_empty())),
            "{}",
            self.text
        );
        failed
    }
}

/// Both streams.
pub(crate) fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
