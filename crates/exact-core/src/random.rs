//! Streams of random numbers.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// The random numbers of a seed for one purpose: an epoch, a fold, a sample. Streams of one seed are
/// independent, so that no purpose's numbers depend on how many another has drawn. They are the same on every
/// platform.
///
/// # Example
/// ```
/// use exact_core::random::stream;
/// use rand_chacha::rand_core::Rng;
///
/// assert_eq!(stream(7, 0).next_u64(), stream(7, 0).next_u64());
/// assert_ne!(stream(7, 0).next_u64(), stream(7, 1).next_u64());
/// assert_ne!(stream(7, 0).next_u64(), stream(8, 0).next_u64());
/// ```
pub fn stream(seed: u64, purpose: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(purpose);
    random
}
