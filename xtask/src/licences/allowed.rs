//! The list of licences that `deny.toml` allows.

/// Reads the `allow` list of the `[licenses]` section.
///
/// Only the shape that the file has is understood: a list of strings, comments to the end of a
/// line. A full TOML parser would be most of what this crate compiles.
pub(crate) fn read(deny_toml: &str) -> Vec<String> {
    let mut inside_section = false;
    let mut inside_list = false;
    let mut allowed = Vec::new();
    for line in deny_toml.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.starts_with('[') && !inside_list {
            inside_section = line == "[licenses]";
        }
        let opens = line
            .split_once('=')
            .is_some_and(|(key, _)| key.trim() == "allow");
        if inside_section && opens {
            inside_list = true;
        }
        if inside_list {
            // Between quotes stand the names: every second piece.
            allowed.extend(line.split('"').skip(1).step_by(2).map(str::to_owned));
            inside_list = !line.ends_with(']');
        }
    }
    allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_allow_list_of_the_licence_section_is_read() {
        let text = r#"
            [bans]
            allow = ["not-a-licence"]
            [licenses]
            version = 2
            allow = [ # permissive
                "MIT", # with attribution
                "Apache-2.0",
            ]
            [sources]
            allow-git = ["https://example.org"]
        "#;
        assert_eq!(read(text), ["MIT", "Apache-2.0"]);
        assert_eq!(
            read("[licenses]\nallow = [\"ISC\", \"Zlib\"]"),
            ["ISC", "Zlib"]
        );
    }
}
