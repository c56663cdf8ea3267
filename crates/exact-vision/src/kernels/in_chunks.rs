//! Memory that is written by the threads that work on it.

#![expect(unsafe_code, reason = "zeroing before the threads start takes a twentieth of a step of training")]

use rayon::prelude::*;

/// Numbers, `length` of them, that `work` makes of zeros in chunks of the same length, but for the last.
/// Each chunk is zeroed by the thread that works on it, at that time, when it is in its caches: memory that
/// one thread has zeroed before is a pass more, and while it does so the others wait.
///
/// `work` is called with what `init` made for the thread, the number of the chunk and the chunk.
pub(super) fn in_chunks<T>(
    length: usize,
    chunk: usize,
    init: impl Fn() -> T + Sync + Send,
    work: impl Fn(&mut T, usize, &mut [f32]) + Sync + Send,
) -> Vec<f32> {
    let mut numbers = Vec::with_capacity(length);
    let chunks = numbers.spare_capacity_mut()[..length].par_chunks_mut(chunk.max(1)).enumerate();
    chunks.for_each_init(init, |state, (index, chunk)| {
        for number in chunk.iter_mut() {
            number.write(0.0);
        }
        // SAFETY: every number of the chunk has just been written.
        work(state, index, unsafe { chunk.assume_init_mut() });
    });
    // SAFETY: the capacity is at least `length`, and the chunks, of which all numbers have been written, are
    // all numbers up to it.
    unsafe { numbers.set_len(length) };
    numbers
}
