//! The `exact` command-line tool.

fn main() {}
