//! How is a corpus tagged so that nothing is lost? A job writes the documents of many inputs into a folder, as
//! shards that appear whole ([`folder`]), and keeps a journal of what is done ([`journal`]). Killed at any
//! moment and started again, it goes on after the last shard that is done ([`run`]), and writes what a run that
//! was never killed would have written, byte for byte.
//!
//! That holds because the journal says what the job was begun with ([`identity`]), because shards end by what
//! was read and by nothing else ([`plan`]), and because a shard is one unit: what was not finished is done anew.
//! Several processes may share a job ([`part`]); one of them holds the lock of its part (`lock`). How a run
//! looks to its user is not decided here.

pub mod error_log;
pub mod folder;
pub mod identity;
pub mod journal;
mod lock;
pub mod part;
pub mod plan;
pub mod run;
pub mod tally;

pub use error_log::Failure;
pub use folder::JobFolder;
pub use identity::{Identity, JobInputs};
pub use journal::{Journal, ShardRecord};
pub use part::Part;
pub use run::{Begin, Event, Job, JobOptions, Outcome, Progress};
pub use tally::Tally;
