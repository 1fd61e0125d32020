//! Measurements that a person asks for. No check: a machine's speed is no property of the code.

pub mod triage;
