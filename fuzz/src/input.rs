//! Bytes to arguments.

use arbitrary::Unstructured;
use exact_core::expected::Sigma;
use exact_core::{Real, Rule};

use crate::check;

/// The most logits of a batch.
const MAX_LOGITS: usize = 4000;
/// Numbers that a vector is made of at most; longer vectors repeat them.
const MAX_DISTINCT: usize = 64;

pub fn nan<T: Real>() -> T {
    T::from_f64(f64::NAN)
}

/// A source of arguments; where the bytes end, every choice is the first.
pub struct Input<'a>(Unstructured<'a>);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    fn word<W: arbitrary::Arbitrary<'a> + Default>(&mut self) -> W {
        self.0.arbitrary().unwrap_or_default()
    }

    /// From 0 to `end - 1`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.choose_index(end).unwrap_or(0)
    }

    /// Once in so many times.
    pub fn chance(&mut self, once_in: usize) -> bool {
        self.below(once_in) == once_in - 1
    }

    pub fn seed(&mut self) -> u64 {
        self.word()
    }

    /// From -32 to 32.
    fn moderate(&mut self) -> f64 {
        f64::from(self.word::<i16>()) / 1024.0
    }

    /// Any finite number of the type.
    pub fn number<T: Real>(&mut self) -> T {
        let largest = T::MAX.to_f64();
        let single = largest < 1e300;
        let smallest = if single { f64::from(f32::from_bits(1)) } else { f64::from_bits(1) };
        let value = match self.below(6) {
            0 | 1 => self.moderate(),
            2 => f64::from(self.word::<i8>()),
            3 => {
                let all = if single { (149, 127) } else { (1074, 1023) };
                let moderate = if single { (32, 31) } else { (255, 254) };
                let (below, above) = if self.chance(2) { all } else { moderate };
                let exponent = self.below(below + above + 1) as f64 - below as f64;
                let mantissa = 1.0 + f64::from(self.word::<u8>()) / 256.0;
                // In two factors, since the smallest power alone would be out of the range of exp2.
                let size = mantissa * (0.5 * exponent).exp2() * (0.5 * exponent).exp2();
                if self.chance(2) { -size } else { size }
            }
            4 => {
                let size = [0.0, 1.0, smallest, T::EPSILON.to_f64(), largest.sqrt(), 0.5 * largest, largest];
                let size = size[self.below(size.len())];
                if self.chance(2) { -size } else { size }
            }
            _ => f64::from_bits(self.word()),
        };
        if value.is_finite() { T::saturating_from_f64(value) } else { T::ZERO }
    }

    /// Any positive finite number of the type.
    pub fn positive<T: Real>(&mut self) -> T {
        let number = self.number::<T>().abs();
        if number > T::ZERO { number } else { T::ONE }
    }

    /// NaN or an infinity.
    pub fn not_finite<T: Real>(&mut self) -> T {
        [T::INFINITY, -T::INFINITY, nan()][self.below(3)]
    }

    /// A setting of any kind.
    pub fn setting(&mut self) -> f64 {
        if self.chance(8) { self.not_finite() } else { self.number() }
    }

    /// Finite numbers: of one size, or of any.
    pub fn numbers<T: Real>(&mut self, len: usize) -> Vec<T> {
        let distinct = 1 + self.below(len.clamp(1, MAX_DISTINCT));
        let unit = [Some(1.0), Some(self.positive::<T>().to_f64()), None][self.below(3)];
        let palette: Vec<T> = (0..distinct)
            .map(|_| match unit {
                Some(unit) => T::saturating_from_f64(self.moderate() * unit),
                None => self.number(),
            })
            .collect();
        self.spread(&palette, len)
    }

    /// The numbers of the palette, in order and then mixed.
    fn spread<T: Real>(&mut self, palette: &[T], len: usize) -> Vec<T> {
        let mut state = self.seed();
        let mut mixed = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize
        };
        let at = |i| if i < palette.len() { i } else { mixed() % palette.len() };
        (0..len).map(at).map(|at| palette[at]).collect()
    }

    /// A quadrature rule, and whether it is one of the defaults: others may be too coarse for their results
    /// to have a meaning.
    pub fn rule<T: Real>(&mut self) -> (Rule, bool) {
        match self.below(3) {
            0 => (Rule::training(), true),
            1 => (Rule::precise::<T>(), true),
            _ => {
                let rule = Rule::new(4 + self.below(125), 1.0 + 99.0 * self.below(256) as f64 / 255.0);
                (rule.unwrap_or_else(|_| Rule::training()), false)
            }
        }
    }

    /// A margin, which may be of any kind.
    pub fn margin(&mut self) -> Option<f64> {
        if self.chance(3) { Some(self.setting()) } else { None }
    }
}

/// Logits, labels and weights; `usable` says whether they must be accepted.
pub struct Batch<T> {
    pub n: usize,
    pub n_classes: usize,
    pub logits: Vec<T>,
    pub labels: Vec<u32>,
    pub weights: Option<Vec<T>>,
    /// Where the gradient goes: NaN, so that what is not written is seen.
    pub grad: Vec<T>,
    pub usable: bool,
}

impl<T: Real> Batch<T> {
    /// With at most so many logits.
    pub fn new(input: &mut Input<'_>, most: usize) -> Self {
        let n_classes = match input.below(8) {
            0..=4 => 1 + input.below(6),
            5 | 6 => 1 + input.below(300),
            _ => 1 + input.below(4000),
        };
        let n_classes = n_classes.min(most);
        let n = 1 + input.below((most.min(MAX_LOGITS) / n_classes).clamp(1, 40));
        let logits = input.numbers(n * n_classes);
        let labels = (0..n).map(|_| u32::try_from(input.below(n_classes)).unwrap_or(0)).collect();
        let weights = input.chance(2).then(|| input.numbers(n).into_iter().map(T::abs).collect());
        let grad = vec![nan(); n * n_classes];
        let mut batch = Self { n, n_classes, logits, labels, weights, grad, usable: true };
        if input.chance(8) {
            batch.spoil(input);
            batch.usable = false;
        }
        batch
    }

    pub fn is_moderate(&self) -> bool {
        check::are_moderate(&self.logits) && self.weights.as_deref().is_none_or(check::are_moderate)
    }

    /// Makes the batch one that must be refused.
    fn spoil(&mut self, input: &mut Input<'_>) {
        let row = input.below(self.n);
        match input.below(7) {
            0 => self.logits[row * self.n_classes] = input.not_finite(),
            1 => self.labels[row] = u32::try_from(self.n_classes).unwrap_or(u32::MAX),
            2 => self.labels[row] = u32::MAX,
            3 => self.labels.push(0),
            4 => self.grad.truncate(self.grad.len() - 1),
            5 => self.logits.push(T::ZERO),
            _ => self.logits.clear(),
        }
        // A further logit is a further row where there is one class: then the labels are too few.
    }
}

/// The sigmas of a batch.
pub struct Sigmas<T> {
    values: Vec<T>,
    kind: usize,
    pub usable: bool,
}

impl<T: Real> Sigmas<T> {
    pub fn new(input: &mut Input<'_>, n: usize, n_classes: usize) -> Self {
        let kind = input.below(3);
        let len = [1, n, n * n_classes][kind];
        let numbers = input.numbers::<T>(len).into_iter();
        let positive = |value: T| if value == T::ZERO { T::ONE } else { value.abs() };
        let mut values: Vec<T> = numbers.map(positive).collect();
        let usable = !input.chance(10);
        if !usable {
            match input.below(4) {
                0 if kind > 0 => values.push(T::ONE),
                1 => values[0] = T::ZERO,
                2 => values[0] = -values[0],
                _ => values[0] = input.not_finite(),
            }
        }
        Self { values, kind, usable }
    }

    pub fn get(&self) -> Sigma<'_, T> {
        match self.kind {
            0 => Sigma::Common(self.values[0]),
            1 => Sigma::PerSample(&self.values),
            _ => Sigma::PerClass(&self.values),
        }
    }

    pub fn is_moderate(&self) -> bool {
        check::are_moderate(&self.values)
    }

    pub fn is_per_class(&self) -> bool {
        self.kind == 2
    }

    /// The smallest and the largest sigma of a row.
    pub fn range(&self, row: usize, n_classes: usize) -> (f64, f64) {
        let sigmas = match self.kind {
            0 => &self.values[..1],
            1 => &self.values[row..=row],
            _ => &self.values[row * n_classes..][..n_classes],
        };
        let fold = |start, f: fn(f64, f64) -> f64| sigmas.iter().map(|sigma| sigma.to_f64()).fold(start, f);
        (fold(f64::INFINITY, f64::min), fold(0.0, f64::max))
    }
}
