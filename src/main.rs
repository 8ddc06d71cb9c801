//! Hansom.
fn main() {}
