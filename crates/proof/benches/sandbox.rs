//! Start-up cost of a box beside a bare fork and exec.

fn main() {}
