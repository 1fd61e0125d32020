//! The commands that ask a clearinghouse, one file a noun. Each sends one request and shows the
//! answer; none has a rule of its own.

pub mod case;
pub mod claim;
pub mod feed;
pub mod fix;
pub mod inventory;
pub mod notices;
pub mod pace;
pub mod party;
pub mod publish;
pub mod register;
pub mod relay;
pub mod report;
pub mod submit;
pub mod token;
