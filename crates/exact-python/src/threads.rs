//! The threads that large batches are split over.

use std::mem;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

/// The pool, and the process it belongs to: threads do not survive a fork, such as that of the workers of a
/// data loader.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// Runs `work` on the pool of this process; on the calling thread where there can be no pool.
pub fn in_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    match pool() {
        Some(pool) => pool.install(work),
        None => work(),
    }
}

fn pool() -> Option<Arc<ThreadPool>> {
    let mut slot = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let this_process = process::id();
    if let Some((owner, pool)) = &*slot
        && *owner == this_process
    {
        return Some(Arc::clone(pool));
    }
    let pool = Arc::new(ThreadPoolBuilder::new().build().ok()?);
    let previous = slot.replace((this_process, Arc::clone(&pool)));
    // To drop the pool of the parent process would wait for locks that nobody holds any more.
    mem::forget(previous);
    Some(pool)
}
