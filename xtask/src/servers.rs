//! The servers that the Rust tests start for themselves: finding or bringing their programs.

use std::collections::BTreeMap;

use crate::apt;
use crate::cargo;
use crate::error::TaskError;

/// A server that the tests of a backend need.
struct Server {
    /// What its backend is called, here and in the tests.
    name: &'static str,
    /// Its package on Debian.
    package: &'static str,
    /// What its package would have the machine start.
    units: &'static [&'static str],
}

const SERVERS: [Server; 3] = [
    Server {
        name: "redis",
        package: "redis-server",
        units: &["redis-server.service"],
    },
    Server {
        name: "nats",
        package: "nats-server",
        units: &["nats-server.service"],
    },
    Server {
        name: "amqp",
        package: "rabbitmq-server",
        units: &["rabbitmq-server.service", "epmd.socket", "epmd.service"],
    },
];

/// The names under which the tests of a server can be left out.
pub(crate) const NAMES: [&str; 3] = [SERVERS[0].name, SERVERS[1].name, SERVERS[2].name];

/// Makes sure that the tests can start every server whose tests are not left out: from a program of
/// this machine, or else in a container.
///
/// On Debian and its kin, as root, what is missing is installed, and no service of it is started or
/// will be; anywhere else the error names the command to run. An address in the environment, such
/// as `MESAHUB_TEST_REDIS`, does not replace a program: most tests stop and freeze their server.
pub(crate) fn bring(left_out: &[&str]) -> Result<(), TaskError> {
    let wanted = |server: &&Server| !left_out.contains(&server.name);
    let missing = missing(SERVERS.iter().filter(wanted))?;
    if missing.is_empty() {
        return Ok(());
    }
    if !apt::is_allowed() {
        return Err(not_there(&missing));
    }
    let packages: Vec<&str> = missing.iter().map(|server| server.package).collect();
    println!("   installing {} with apt-get", packages.join(", "));
    let units: Vec<&str> = missing.iter().flat_map(|it| it.units).copied().collect();
    apt::install_services(&packages, &units)?;
    match self::missing(missing.into_iter())? {
        missing if missing.is_empty() => Ok(()),
        missing => Err(not_there(&missing)),
    }
}

/// Those that the tests would not find. The tests' own code is asked.
fn missing<'a>(servers: impl Iterator<Item = &'a Server>) -> Result<Vec<&'a Server>, TaskError> {
    let program = cargo::build_beside_tests("origins")?;
    let told = cargo::output_of(cargo::command(program, &[]))?;
    let origins = origins(&told);
    let mut missing = Vec::new();
    for server in servers {
        let origin = origins.get(server.name).copied().unwrap_or("missing");
        println!("   {}: {origin}", server.name);
        if origin.starts_with("missing") {
            missing.push(server);
        }
    }
    Ok(missing)
}

/// Reads lines of `name: origin`.
fn origins(told: &str) -> BTreeMap<&str, &str> {
    told.lines()
        .filter_map(|line| line.split_once(": "))
        .collect()
}

fn not_there(missing: &[&Server]) -> TaskError {
    let packages: Vec<&str> = missing.iter().map(|server| server.package).collect();
    let names: Vec<&str> = missing.iter().map(|server| server.name).collect();
    TaskError::Missing {
        tool: packages.join(", "),
        remedy: format!(
            "Install with `sudo apt-get install {}`, start a Docker engine, or leave the tests \
             that need it out with MESAHUB_TEST_SKIP={}",
            packages.join(" "),
            names.join(",")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_the_tests_is_read_line_by_line() {
        let told = "redis: /usr/bin/redis-server\nnats: missing: nats-server: not there\n";
        let origins = origins(told);
        assert_eq!(origins["redis"], "/usr/bin/redis-server");
        assert!(origins["nats"].starts_with("missing"));
    }

    #[test]
    fn the_remedy_names_every_way_out() {
        let text = not_there(&[&SERVERS[0], &SERVERS[2]]).to_string();
        for way in [
            "apt-get install redis-server rabbitmq-server",
            "Docker",
            "MESAHUB_TEST_SKIP=redis,amqp",
        ] {
            assert!(text.contains(way), "{text}");
        }
    }
}
