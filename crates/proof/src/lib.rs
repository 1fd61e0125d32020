//! The proof engine: runs a proof where it can do no harm and says what a harness measured. It must not judge by what
//! the proof says about itself.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod ablate;
pub mod bundle;
pub mod cargo;
pub mod digest;
pub mod engine;
mod failure;
mod file;
pub mod fix;
pub mod git;
pub mod golang;
pub mod harness;
pub mod import;
pub mod maven;
pub mod minimise;
pub mod npm;
pub mod oracle;
mod parallel;
mod profile;
pub mod progress;
pub mod prove;
pub mod pypi;
pub mod range;
pub mod receipt;
pub mod replay;
pub mod report;
pub mod run;
pub mod runtime;
pub mod same;
pub mod sandbox;
pub mod source;
pub mod store;
pub mod symbols;
pub mod trace;
pub mod vary;

pub use ablate::AblateReport;
pub use bundle::{Bundle, BundleError};
pub use engine::{Engine, EngineConfig, EngineError, ErrorClass, Watch};
pub use fix::FixOptions;
pub use fix::matrix::FixReport;
pub use minimise::MinimiseReport;
pub use progress::Progress;
pub use prove::ProveOptions;
pub use range::{Method, RangeOptions};
pub use replay::{VerifyOptions, VerifyReport};
pub use report::{ProveReport, RangeReport};
pub use same::{SameReport, Sameness};
pub use trace::TraceFrame;
