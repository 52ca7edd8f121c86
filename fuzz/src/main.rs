//! The program that libFuzzer drives. `cargo xtask fuzz` builds and runs it.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(
    init: { mesahub_fuzz::seeds::prepare(); },
    |input: &[u8]| { mesahub_fuzz::seeds::chosen().run(input); }
);

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("this build has no fuzzer: run `cargo xtask fuzz`");
    std::process::exit(2);
}
