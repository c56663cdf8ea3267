//! `cargo xtask synthesize`: a large synthetic classification table, written row by row.
//!
//! A row of class c is `x = A (m_c + u) + e`: its class mean `m_c` and the noise `u` live in a latent space,
//! the random linear map `A` mixes them into correlated features, and `e` gives each feature noise of its
//! own. A share of the labels is then drawn at random, so no classifier can be perfect.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// The dimension of the latent space, where the table has that many features.
const MAX_LATENT: usize = 16;
/// Standard deviation of the class means, in units of the latent noise.
const SEPARATION: f64 = 1.5;
/// Standard deviation of each feature's own noise.
const FEATURE_NOISE: f64 = 0.5;
/// Share of the rows whose label is drawn at random from all classes.
const LABEL_NOISE: f64 = 0.1;
/// Bytes that are gathered before they are written.
const BUFFER: usize = 1 << 20;

#[derive(clap::Args)]
pub struct Arguments {
    /// Rows of the table
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Features of a row
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    features: u32,
    /// Classes, labelled from 0
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..))]
    classes: u32,
    /// Seed: the same seed gives the same bytes
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// File to write
    #[arg(long)]
    out: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let path = arguments.out.display();
    let file = File::create(&arguments.out).with_context(|| format!("cannot create {path}"))?;
    let table = Table::new(arguments.features as usize, arguments.classes as usize, arguments.seed);
    table.write(arguments.rows, file).with_context(|| format!("cannot write {path}"))
}

/// What the rows of a table are drawn from.
struct Table {
    seed: u64,
    features: usize,
    classes: usize,
    latent: usize,
    /// Class means, `[classes, latent]`.
    means: Vec<f64>,
    /// The linear map, transposed: `[latent, features]`.
    map: Vec<f64>,
}

impl Table {
    fn new(features: usize, classes: usize, seed: u64) -> Self {
        let latent = features.min(MAX_LATENT);
        let map_scale = 1.0 / (latent as f64).sqrt();
        Self {
            seed,
            features,
            classes,
            latent,
            means: normals(stream(seed, 0), classes * latent, SEPARATION),
            map: normals(stream(seed, 1), latent * features, map_scale),
        }
    }

    fn write(&self, rows: u64, mut out: impl Write) -> std::io::Result<()> {
        let mut random = stream(self.seed, 2);
        let mut buffer = Vec::with_capacity(BUFFER + 32 * (self.features + 1));
        for feature in 0..self.features {
            write!(buffer, "f{feature},")?;
        }
        buffer.extend_from_slice(b"label\n");
        let mut row = vec![0.0; self.features];
        for _ in 0..rows {
            let label = self.draw(&mut random, &mut row);
            for &value in &row {
                push_decimal(&mut buffer, value);
                buffer.push(b',');
            }
            writeln!(buffer, "{label}")?;
            if buffer.len() >= BUFFER {
                out.write_all(&buffer)?;
                buffer.clear();
            }
        }
        out.write_all(&buffer)?;
        out.flush()
    }

    /// Fills `row` with features and returns its label.
    fn draw(&self, random: &mut ChaCha8Rng, row: &mut [f64]) -> usize {
        let class = random.random_range(0..self.classes);
        for value in row.iter_mut() {
            *value = FEATURE_NOISE * random.sample::<f64, _>(StandardNormal);
        }
        let means = &self.means[class * self.latent..][..self.latent];
        for (mean, weights) in means.iter().zip(self.map.chunks_exact(self.features)) {
            let position = mean + random.sample::<f64, _>(StandardNormal);
            for (value, weight) in row.iter_mut().zip(weights) {
                *value += position * weight;
            }
        }
        if random.random_bool(LABEL_NOISE) { random.random_range(0..self.classes) } else { class }
    }
}

fn stream(seed: u64, purpose: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(purpose);
    random
}

fn normals(mut random: ChaCha8Rng, count: usize, scale: f64) -> Vec<f64> {
    (0..count).map(|_| scale * random.sample::<f64, _>(StandardNormal)).collect()
}

/// Appends a number with six decimals. The standard formatter, exact for every number, is several times
/// slower.
fn push_decimal(buffer: &mut Vec<u8>, value: f64) {
    const DECIMALS: usize = 6;
    let scaled = (value * 1e6 + 0.5_f64.copysign(value)) as i64;
    if scaled < 0 {
        buffer.push(b'-');
    }
    let mut rest = scaled.unsigned_abs();
    let mut digits = [b'0'; 24];
    let mut first = digits.len();
    let mut written = 0;
    while written <= DECIMALS || rest > 0 {
        if written == DECIMALS {
            first -= 1;
            digits[first] = b'.';
        }
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
        written += 1;
    }
    buffer.extend_from_slice(&digits[first..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: u64, features: usize, classes: usize, seed: u64) -> String {
        let mut bytes = Vec::new();
        Table::new(features, classes, seed).write(rows, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn decimals_are_those_of_the_standard_formatter() {
        for value in [0.0, 1.0, -1.0, 0.000_001, -0.25, 9.999_999_6, -123.456_789, 1e6, 0.1 + 0.2, -3e-6] {
            let mut bytes = Vec::new();
            push_decimal(&mut bytes, value);
            assert_eq!(String::from_utf8(bytes).unwrap(), format!("{value:.6}"));
        }
    }

    #[test]
    fn a_number_that_rounds_to_zero_has_no_sign() {
        let mut bytes = Vec::new();
        push_decimal(&mut bytes, -1e-9);
        assert_eq!(bytes, b"0.000000");
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
        assert_eq!(table(50, 20, 3, 7), table(50, 20, 3, 7));
        assert_ne!(table(50, 20, 3, 7), table(50, 20, 3, 8));
    }

    #[test]
    fn more_rows_extend_a_table() {
        assert!(table(20, 4, 3, 0).starts_with(&table(10, 4, 3, 0)));
    }

    #[test]
    fn header_and_counts_are_as_asked() {
        let text = table(200, 3, 4, 0);
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("f0,f1,f2,label"));
        let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
        assert_eq!(rows.len(), 200);
        let mut seen = [false; 4];
        for row in rows {
            assert_eq!(row.len(), 4);
            assert!(row[..3].iter().all(|value| value.split_once('.').unwrap().1.len() == 6));
            seen[row[3].parse::<usize>().unwrap()] = true;
        }
        assert_eq!(seen, [true; 4]);
    }

    #[test]
    fn no_rows_is_a_header() {
        assert_eq!(table(0, 1, 2, 0), "f0,label\n");
    }

    #[test]
    fn classes_differ_in_their_features() {
        let table = Table::new(5, 2, 0);
        let mut random = stream(0, 2);
        let (mut sums, mut counts, mut row) = ([0.0; 2], [0.0; 2], [0.0; 5]);
        for _ in 0..2000 {
            let label = table.draw(&mut random, &mut row);
            sums[label] += row[0];
            counts[label] += 1.0;
        }
        let expected: f64 = (0..table.latent)
            .map(|k| (table.means[k] - table.means[table.latent + k]) * table.map[5 * k])
            .sum();
        // Half of the random labels are wrong for two classes, which shrinks the difference by LABEL_NOISE.
        let difference = sums[0] / counts[0] - sums[1] / counts[1];
        assert!((difference - (1.0 - LABEL_NOISE) * expected).abs() < 0.2, "{difference} {expected}");
    }
}
