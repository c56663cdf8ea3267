//! Training on threads of its own, while the calling one shows progress and answers signals.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;
use std::{panic, thread};

use exact_linear::{Callback, LinearError, Progress};
use pyo3::exceptions::PyRuntimeError;
use pyo3::types::PyAnyMethods;
use pyo3::{Bound, PyAny, PyResult, Python};
use rayon::ThreadPoolBuilder;

use super::error::linear_error;

/// How often the calling thread looks for signals and shows progress.
const PERIOD: Duration = Duration::from_millis(50);

/// Runs `work` on `n_threads` threads, with other Python threads running. Only the thread that calls may run
/// the handlers of signals, and only while it does not work itself: it wakes every 50 ms, calls
/// `progress(stage, done, total)` if there is a progress, and stops the work by its callback if a handler or
/// `progress` raises an exception, as Ctrl-C does.
///
/// # Errors
/// That exception, a `ValueError` of the work, or a `RuntimeError` if threads cannot be started.
pub fn train<T: Send>(
    py: Python<'_>,
    n_threads: usize,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(Callback<'_>) -> Result<T, LinearError> + Send,
) -> PyResult<T> {
    let pool = ThreadPoolBuilder::new().num_threads(n_threads).build();
    let pool = pool.map_err(|error| PyRuntimeError::new_err(format!("cannot start threads: {error}")))?;
    let stopped = AtomicBool::new(false);
    let latest = Mutex::new(None);
    let callback = |progress: Progress| {
        *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
        if stopped.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let (finished, mut finish) = sync_channel::<()>(0);
    let look = |py: Python<'_>| {
        let latest = latest.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(report), Some(Progress { stage, done, total })) = (progress, latest) {
            report.call1((stage, done, total))?;
        }
        py.check_signals()
    };
    thread::scope(|scope| {
        let callback = &callback;
        let pool = &pool;
        let worker = scope.spawn(move || {
            // Dropped at the end, which ends the wait of the calling thread.
            let _finished = finished;
            pool.install(|| work(callback))
        });
        let mut outcome = Ok(());
        loop {
            let finish = &mut finish;
            if py.detach(move || finish.recv_timeout(PERIOD)) != Err(RecvTimeoutError::Timeout) {
                break;
            }
            if outcome.is_ok() {
                outcome = look(py);
                stopped.store(outcome.is_err(), Ordering::Relaxed);
            }
        }
        let result = worker.join().unwrap_or_else(|payload| panic::resume_unwind(payload));
        outcome.and_then(|()| look(py))?;
        result.map_err(|error| linear_error(&error))
    })
}
