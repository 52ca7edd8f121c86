//! What a run begins with: which target, and its first inputs.

use std::path::Path;
use std::sync::OnceLock;
use std::{env, fs, process};

use crate::target::{TARGETS, Target};

/// Names the target of a run. Without it the program prints the names of all and ends.
pub const TARGET: &str = "MESAHUB_FUZZ_TARGET";

/// Names the folder that the target's seeds are written to.
pub const CORPUS: &str = "MESAHUB_FUZZ_CORPUS";

static CHOSEN: OnceLock<Target> = OnceLock::new();

/// Chooses the target of this run and writes its seeds.
///
/// # Panics
///
/// There is no such target, or the seeds cannot be written.
#[allow(
    clippy::print_stdout,
    reason = "the list of targets is for whoever runs this"
)]
pub fn prepare() {
    let Ok(name) = env::var(TARGET) else {
        TARGETS
            .iter()
            .for_each(|target| println!("{}", target.name));
        process::exit(0);
    };
    let target = Target::named(&name).unwrap_or_else(|| panic!("there is no target {name:?}"));
    if let Ok(folder) = env::var(CORPUS) {
        for (index, seed) in (target.seeds)().iter().enumerate() {
            let path = Path::new(&folder).join(format!("seed-{index:03}"));
            fs::write(&path, seed).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
    CHOSEN.get_or_init(|| target);
}

/// The target of this run.
///
/// # Panics
///
/// Before [`prepare`].
pub fn chosen() -> Target {
    *CHOSEN.get().expect("the run has been prepared")
}

/// Bytes from hexadecimal digits; everything else is passed over.
#[must_use]
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .map(|digit| u8::try_from(digit).expect("a hexadecimal digit is small"))
        .collect();
    digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// Seeds from texts.
#[must_use]
pub fn texts(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Seeds from hexadecimal digits.
#[must_use]
pub fn dumps(all: &[&str]) -> Vec<Vec<u8>> {
    all.iter().map(|text| hex(text)).collect()
}
