//! Evaluating a loss allocates nothing once the buffers of its thread have grown.

// A global allocator cannot be written otherwise.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use exact_core::Rule;
use exact_core::expected::{ExpectedAccuracy, Probability, Sigma};
use exact_core::loss::{Exact, ExpectedCost, Logits, Loss, OnRandomScores, Probit};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// Safety: every call is passed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(mut run: impl FnMut()) -> usize {
    run();
    let before = ALLOCATIONS.get();
    run();
    ALLOCATIONS.get() - before
}

#[test]
fn evaluation_allocates_nothing_in_the_steady_state() {
    let (n, n_classes) = (1000, 10);
    let logits: Vec<f32> = (0..n * n_classes).map(|i| ((i as f32) * 0.7).sin()).collect();
    let labels: Vec<u32> = (0..n as u32).map(|i| i % n_classes as u32).collect();
    let mut grad = vec![0.0; logits.len()];
    let mut values = vec![Probability::default(); n];
    let logits = Logits::new(&logits, n_classes).unwrap();
    let (exact, probit) = (Exact::new(0.5).unwrap(), Probit::new(0.5).unwrap());
    let costs: Vec<f64> = (0..n_classes * n_classes).map(|i| ((i % 11) as f64).min(1.0)).collect();
    let cost = ExpectedCost::new(&costs, n_classes, 0.5).unwrap().with_margin(1.0).unwrap();
    let metric = ExpectedAccuracy::new(Rule::training());
    // Inside a pool of one thread everything runs on that thread, whose count is read there.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let mut loss = |loss: &dyn Loss<f32>| {
            allocations(|| {
                loss.evaluate(logits, &labels, None, &mut grad).unwrap();
            })
        };
        assert_eq!((loss(&exact), loss(&probit), loss(&cost)), (0, 0, 0));
        let count = allocations(|| {
            metric.evaluate(logits, &labels, Sigma::Common(0.5), &mut values, &mut grad).unwrap();
        });
        assert_eq!(count, 0);
    });
}
