//! Buffers that a thread keeps from one call to the next, so that evaluating a loss allocates nothing in the
//! long run.

use std::cell::RefCell;
use std::thread::LocalKey;

/// The bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// Buffers of one type that are not lent.
type Idle<T> = RefCell<Vec<Vec<T>>>;

thread_local! {
    static IDLE_F32: Idle<f32> = const { RefCell::new(Vec::new()) };
    static IDLE_F64: Idle<f64> = const { RefCell::new(Vec::new()) };
}

/// An element type with buffers in each thread.
pub trait Pooled: Copy + Default + 'static {
    /// This thread's buffers.
    fn idle() -> &'static LocalKey<Idle<Self>>;
}

impl Pooled for f32 {
    fn idle() -> &'static LocalKey<Idle<f32>> {
        &IDLE_F32
    }
}

impl Pooled for f64 {
    fn idle() -> &'static LocalKey<Idle<f64>> {
        &IDLE_F64
    }
}

/// Lends a buffer of this thread's, grown to `len`, with arbitrary contents. Calls may be nested.
pub(crate) fn with_scratch<T: Pooled, R>(len: usize, use_scratch: impl FnOnce(&mut [T]) -> R) -> R {
    let mut scratch = T::idle().with_borrow_mut(Vec::pop).unwrap_or_default();
    let result = use_scratch(aligned(&mut scratch, len));
    T::idle().with_borrow_mut(|idle| idle.push(scratch));
    result
}

/// `len` elements of the buffer, which grows as needed, from the start of a cache line: vectors that straddle
/// two lines made the kernels a quarter slower.
fn aligned<T: Copy + Default>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    let room = LINE / size_of::<T>();
    if buffer.len() < len + room {
        buffer.resize(len + room, T::default());
    }
    let start = buffer.as_ptr().align_offset(LINE).min(room);
    &mut buffer[start..][..len]
}
