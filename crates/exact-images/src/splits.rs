//! What folders and files are called that hold the images to train on, and those to test on.

const TRAINING: [&str; 2] = ["train", "training"];
/// The first of those that are there is for testing.
const TEST: [&str; 5] = ["test", "testing", "val", "valid", "validation"];

pub(crate) fn is_for_training(name: &str) -> bool {
    TRAINING.iter().any(|other| name.eq_ignore_ascii_case(other))
}

pub(crate) fn is_for_test(name: &str) -> bool {
    test_rank(name).is_some()
}

/// The smaller, the rather is it for testing; `None` if it is not.
pub(crate) fn test_rank(name: &str) -> Option<usize> {
    TEST.iter().position(|other| name.eq_ignore_ascii_case(other))
}
