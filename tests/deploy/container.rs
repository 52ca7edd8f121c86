//! The image.

use std::collections::BTreeMap;

use crate::settings::{Given, port};
use crate::tree::{at, text};

const DOCKERFILE: &str = "deploy/container/Dockerfile";

/// A stage of a Dockerfile: its instructions, continued lines joined.
pub(crate) struct Stage {
    name: Option<String>,
    image: String,
    instructions: Vec<(String, String)>,
}

impl Stage {
    /// What every instruction of a kind says, in order.
    fn all(&self, keyword: &str) -> impl Iterator<Item = &str> {
        let of_kind = move |(found, _): &&(String, String)| found == keyword;
        let told = self.instructions.iter().filter(of_kind);
        told.map(|(_, said)| said.as_str())
    }

    /// What the only instruction of a kind says.
    pub(crate) fn only(&self, keyword: &str) -> &str {
        let mut all = self.all(keyword);
        let said = all.next().unwrap_or_else(|| panic!("no {keyword}"));
        assert!(all.next().is_none(), "{keyword} stands there twice");
        said
    }
}

/// The stages, from the first.
fn stages() -> Vec<Stage> {
    let joined = text(DOCKERFILE).replace("\\\n", " ");
    let mut stages: Vec<Stage> = Vec::new();
    for line in joined.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (keyword, said) = line
            .split_once(' ')
            .expect("an instruction has an argument");
        if keyword == "FROM" {
            let (image, name) = match said.split_once(" AS ") {
                Some((image, name)) => (image, Some(name.to_owned())),
                None => (said, None),
            };
            stages.push(Stage {
                name,
                image: image.to_owned(),
                instructions: Vec::new(),
            });
        } else if let Some(stage) = stages.last_mut() {
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            stage.instructions.push((keyword.to_owned(), said));
        } else {
            assert_eq!(keyword, "ARG", "before the first stage");
        }
    }
    stages
}

/// The stage that becomes the image.
pub(crate) fn image() -> Stage {
    stages().pop().expect("a stage")
}

/// The Cargo features that exist.
pub(crate) fn features() -> Vec<String> {
    let manifest = text("Cargo.toml");
    let (_, features) = manifest.split_once("[features]\n").expect("features");
    let lines = features.lines().take_while(|line| !line.starts_with('['));
    lines
        .filter_map(|line| Some(line.split_once(" = ")?.0.to_owned()))
        .collect()
}

#[test]
fn the_image_holds_the_program_and_no_shell_and_does_not_run_as_root() {
    let image = image();
    assert!(image.image.contains("distroless"), "{}", image.image);
    assert!(image.image.ends_with(":nonroot"), "{}", image.image);
    assert_eq!(image.all("RUN").count(), 0, "there is no shell to run it");
    let user = image.only("USER");
    let (user, group) = user.split_once(':').expect("user and group");
    for id in [user, group] {
        // Kubernetes can tell a number from root, and not a name.
        assert!(id.parse::<u32>().unwrap() > 0, "{id}");
    }
    assert_eq!(image.only("ENTRYPOINT"), r#"["/usr/local/bin/mesahub"]"#);
    let copied: Vec<&str> = image.all("COPY").collect();
    assert!(
        copied
            .iter()
            .any(|copy| copy.ends_with(" /usr/local/bin/mesahub"))
    );
}

#[test]
fn the_image_is_healthy_when_the_program_says_so() {
    let image = image();
    let (_, command) = image.only("HEALTHCHECK").split_once("CMD ").unwrap();
    let words: Vec<String> = serde_json::from_str(command).expect("no shell in between");
    assert_eq!(words, ["/usr/local/bin/mesahub", "health"]);
}

#[test]
fn the_image_listens_on_the_usual_port_and_keeps_its_data_in_the_volume() {
    let image = image();
    assert_eq!(image.only("EXPOSE"), port().to_string());
    let folder = image.only("WORKDIR");
    assert_eq!(image.only("VOLUME"), folder);
    let owned = format!("--chown={} /data {folder}", image.only("USER"));
    assert!(
        image.all("COPY").any(|copy| copy.ends_with(&owned)),
        "{owned}"
    );

    let variables: BTreeMap<&str, &str> = image
        .only("ENV")
        .split(' ')
        .map(|pair| pair.split_once('=').expect("NAME=value"))
        .collect();
    let mut given = Given::default().secret("Mesahub__Authentication__SigningKey");
    for (name, value) in &variables {
        given = given.variable(name, value);
    }
    let loaded = given.loaded("image");
    let address = loaded.settings.mesahub.server.address;
    assert!(address.ip().is_unspecified(), "{address}");
    assert_eq!(address.port(), port());
    let config = variables["MESAHUB_CONFIG_DIR"];
    let copied = format!("--from=build /source/config {config}");
    assert!(image.all("COPY").any(|copy| copy == copied), "{copied}");
}

#[test]
fn what_is_copied_comes_from_a_stage_that_is_there_and_is_built_with_features_that_exist() {
    let stages = stages();
    for (index, stage) in stages.iter().enumerate() {
        for copy in stage
            .all("COPY")
            .filter_map(|copy| copy.strip_prefix("--from="))
        {
            let from = copy.split(' ').next();
            let mut before = stages[..index].iter();
            assert!(before.any(|stage| stage.name.as_deref() == from), "{copy}");
        }
        for argument in stage
            .all("ARG")
            .filter_map(|it| it.strip_prefix("FEATURES="))
        {
            for feature in argument.split(',') {
                assert!(features().iter().any(|it| it == feature), "{feature}");
            }
        }
    }
    let build = stages.first().expect("a stage");
    let (_, version) = build.image.split_once(":${RUST}").expect("the argument");
    assert!(version.starts_with("-slim"), "{version}");
    let dockerfile = text(DOCKERFILE);
    let (_, rust) = dockerfile.split_once("ARG RUST=1.").expect("a version");
    let minor: u32 = rust.split('\n').next().unwrap().parse().unwrap();
    let manifest = text("Cargo.toml");
    let (_, least) = manifest.split_once("rust-version = \"1.").unwrap();
    let least: u32 = least.split('"').next().unwrap().parse().unwrap();
    assert!(minor >= least, "1.{minor} is older than 1.{least}");
}

#[test]
fn the_build_is_handed_every_part_of_the_workspace_and_not_what_was_built() {
    let ignored = text(".dockerignore");
    let lines: Vec<&str> = ignored.lines().collect();
    assert_eq!(lines.iter().find(|line| !line.starts_with('#')), Some(&"*"));
    let manifest = text("Cargo.toml");
    let (_, members) = manifest.split_once("members = [").unwrap();
    let (members, _) = members.split_once(']').unwrap();
    let members = members.split('"').skip(1).step_by(2);
    let folders = members.map(|member| member.split('/').next().unwrap());
    let files = [
        "src",
        "config",
        "Cargo.toml",
        "Cargo.lock",
        "features.md",
        "benches",
        "examples",
    ];
    for needed in folders.chain(files) {
        assert!(
            lines.contains(&&*format!("!{needed}")),
            "{needed} is missing"
        );
        assert!(at(needed).exists(), "{needed}");
    }
    assert!(lines.contains(&"**/target"));
}
