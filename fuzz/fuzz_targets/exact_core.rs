//! The libFuzzer target: `cargo xtask fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| exact_fuzz::exercise(bytes));
