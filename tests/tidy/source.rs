//! The files of the repository, read once.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// A text file, with its path from the root of the repository, `/` between folders.
pub(crate) struct SourceFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

const EXTENSIONS: [&str; 14] = [
    "css", "html", "js", "json", "lock", "md", "mjs", "rs", "sh", "toml", "ts", "tsx", "yaml",
    "yml",
];

static FILES: LazyLock<Vec<SourceFile>> = LazyLock::new(|| {
    let mut files = Vec::new();
    collect(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut files);
    files
});

/// Every text file.
pub(crate) fn files() -> &'static [SourceFile] {
    &FILES
}

/// Every Rust file.
pub(crate) fn rust_files() -> impl Iterator<Item = &'static SourceFile> {
    FILES.iter().filter(|file| file.has_extension("rs"))
}

/// One file, which must be there.
pub(crate) fn file(path: &str) -> &'static SourceFile {
    FILES
        .iter()
        .find(|file| file.path == path)
        .unwrap_or_else(|| panic!("{path} must be there"))
}

impl SourceFile {
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        self.path
            .rsplit_once('.')
            .is_some_and(|(_, found)| found == extension)
    }

    /// The folders of its path and its own name without extensions.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.path
            .split('/')
            .map(|part| part.split_once('.').map_or(part, |(stem, _)| stem))
    }

    /// Whether it is code that ships: a source of the server, the library or one of their crates.
    pub(crate) fn is_product(&self) -> bool {
        ["src/", "protocol/src/"]
            .iter()
            .any(|folder| self.path.starts_with(folder))
            || (self.path.starts_with("backends/")
                && self.path.contains("/src/")
                && !self.path.starts_with("backends/servers/"))
    }

    /// Whether all of it is test code.
    pub(crate) fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/")
    }

    /// Lines with their numbers from one, without line comments.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| {
            let code = line.split_once("//").map_or(line, |(code, _)| code);
            (index + 1, code)
        })
    }

    /// The code that is not test: all before the tests, which stand last.
    pub(crate) fn product_code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.first_line_of_tests();
        self.code().take_while(move |(line, _)| *line < end)
    }

    /// The code that is test.
    pub(crate) fn test_code(&self) -> impl Iterator<Item = (usize, &str)> {
        let begin = self.first_line_of_tests();
        self.code().skip_while(move |(line, _)| *line < begin)
    }

    fn first_line_of_tests(&self) -> usize {
        if self.is_test() {
            return 1;
        }
        let lines: Vec<&str> = self.text.lines().map(str::trim).collect();
        let begins = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ");
        lines
            .windows(2)
            .position(begins)
            .map_or(usize::MAX, |index| index + 1)
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<SourceFile>) {
    let entries = fs::read_dir(folder).expect("a folder of the repository can be listed");
    for entry in entries {
        let entry = entry.expect("a folder of the repository can be listed");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            let is_ours = !["target", "node_modules"].contains(&name.as_str())
                && (!name.starts_with('.') || [".ci", ".cargo"].contains(&name.as_str()));
            if is_ours {
                collect(&entry.path(), &format!("{path}/"), files);
            }
            continue;
        }
        let is_text = path == ".ci/run"
            || name
                .rsplit_once('.')
                .is_some_and(|(_, extension)| EXTENSIONS.contains(&extension));
        if is_text {
            let text = fs::read_to_string(entry.path())
                .unwrap_or_else(|error| panic!("{path} must be readable text: {error}"));
            files.push(SourceFile { path, text });
        }
    }
}
