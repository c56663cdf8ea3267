//! The fuzz target on pseudo-random byte strings, and on every string that once made it fail.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use exact_core::random;
use rand_chacha::rand_core::Rng;

const STRINGS: u64 = 2000;
const MAX_LENGTH: u32 = 600;

#[test]
fn pseudo_random_bytes_violate_no_property() {
    for stream in 0..STRINGS {
        let mut random = random::stream(7, stream);
        let length = random.next_u32() % MAX_LENGTH;
        let mut bytes = vec![0; length as usize];
        random.fill_bytes(&mut bytes);
        let passed = catch_unwind(|| exact_fuzz::exercise(&bytes)).is_ok();
        assert!(passed, "string {stream} of {length} bytes");
    }
}

#[test]
fn failures_of_the_past_stay_mended() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus-regressions");
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with(".gitkeep") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let passed = catch_unwind(|| exact_fuzz::exercise(&bytes)).is_ok();
        assert!(passed, "{}", path.display());
    }
}
