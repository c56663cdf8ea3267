//! Development commands of exact-learn.

fn main() {}
