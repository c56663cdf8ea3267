//! `cargo xtask fuzz`: libFuzzer on exact-core.

use anyhow::Result;

use crate::cargo;

/// The release that reads `fuzz/Cargo.toml` as it is laid out.
const CARGO_FUZZ_VERSION: &str = "0.13.2";
/// Bytes of an input: more than the decoder reads for most calls.
const MAX_LENGTH: &str = "-max_len=1024";
/// Inputs of all lengths from the start: short ones reach little.
const ANY_LENGTH: &str = "-len_control=0";
/// Seconds that one input may take.
const TIMEOUT: &str = "-timeout=20";

#[derive(clap::Args)]
pub struct Arguments {
    /// How long to run
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    cargo::require_nightly()?;
    let tools = cargo::target_directory().join("tools");
    let mut install = cargo::cargo(&["install", "cargo-fuzz", "--locked", "--quiet"]);
    install.args(["--version", CARGO_FUZZ_VERSION, "--root"]).arg(&tools);
    cargo::run(install)?;

    let mut fuzz = cargo::nightly(tools.join("bin").join("cargo-fuzz"));
    fuzz.args(["run", "--features", "libfuzzer", "exact_core"]);
    // What is found goes to the first; the second is where failures of the past are kept.
    fuzz.args(["fuzz/corpus/exact_core", "fuzz/corpus-regressions", "--", MAX_LENGTH, ANY_LENGTH, TIMEOUT]);
    fuzz.arg(format!("-max_total_time={}", arguments.seconds));
    // Coverage counters do not survive optimisation across crates.
    fuzz.env("CARGO_PROFILE_RELEASE_LTO", "off");
    std::fs::create_dir_all(cargo::root().join("fuzz/corpus/exact_core"))?;
    cargo::run(fuzz)
}
