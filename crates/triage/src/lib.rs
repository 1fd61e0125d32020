//! Are these reports one defect? Decided on what was measured: where each proof stops firing, which fix silences it, and where
//! in the code it fires. Every decision carries its reasons. Similar words never join anything there: no text is looked at. Before
//! anything was measured, `sort` orders reports by what they say, `crash` tells what a crash printed, and `place` where a static result is.
//!
//! One defect is one root cause and one fix. So a join needs both: the same border (or the same verified fix) and the same place
//! in the code. Anything weaker is proposed to a coordinator, who alone may overrule.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod border;
mod cluster;
mod code;
pub mod crash;
mod decide;
mod evidence;
pub mod place;
pub mod sort;

pub use cluster::{Cluster, Clustering, Link, cluster};
pub use decide::{Decision, Fact, Reason, Verdict, same_defect};
pub use evidence::{Border, Evidence, Frame, Line, Measured, Symbol};
