//! Time per value of Φ, log Φ and the inverse Mills ratio, in slices and one by one:
//! `cargo bench -p exact-core --bench normal` prints a table in Markdown.
//!
//! One thread, values spread evenly from -8 to 8; contenders take turns, and the smallest time of all rounds
//! counts.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use exact_core::Real;
use exact_core::normal::{
    cdf, cdf_in_place, inverse_mills_ratio, inverse_mills_ratio_in_place, log_cdf, log_cdf_in_place,
};

const VALUES: usize = 10_000;
const ROUNDS: usize = 200;

fn nanoseconds<T: Real>(values: &[T], evaluate: impl FnOnce(&mut [T])) -> f64 {
    let mut values = values.to_vec();
    let start = Instant::now();
    evaluate(black_box(&mut values));
    start.elapsed().as_secs_f64() * 1e9 / values.len() as f64
}

fn row<T: Real>(name: &str, precision: &str, in_place: fn(&mut [T]), function: fn(T) -> T) {
    let values: Vec<T> = (0..VALUES).map(|i| T::from_f64(-8.0 + 16.0 * i as f64 / VALUES as f64)).collect();
    let (mut slice, mut single) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        slice = slice.min(nanoseconds(&values, in_place));
        single = single.min(nanoseconds(&values, |values| {
            for value in values {
                *value = black_box(function(*value));
            }
        }));
    }
    println!("| {name} | {precision} | {slice:.2} | {single:.2} | {:.1} |", single / slice);
}

fn rows<T: Real>(precision: &str) {
    row::<T>("Φ", precision, cdf_in_place, cdf);
    row::<T>("log Φ", precision, log_cdf_in_place, log_cdf);
    row::<T>("φ/Φ", precision, inverse_mills_ratio_in_place, inverse_mills_ratio);
}

fn main() {
    // `cargo test --benches` only has to see that it runs.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("| function | precision | ns in slices | ns one by one | ratio |");
    println!("|---|---|---|---|---|");
    rows::<f32>("f32");
    rows::<f64>("f64");
}
