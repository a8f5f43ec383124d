//! How do the parts run together? An engine file as written ([`config`]), checked and built
//! ([`build`]), run over documents ([`run`]; what the sources found is kept in [`proposals`], on disk in [`store`]) and asked for its reasons ([`explain`], [`story`],
//! [`why_not`]), for what its rules are worth ([`rule_stats`]) and for what in it can have no effect
//! ([`lint`]), and which documents there is something to learn from ([`select`]). Several may run side by side ([`group`]). It may follow its files ([`reload`], [`watch`]), and tell what they were ([`fingerprint`]).

pub mod build;
#[cfg_attr(not(feature = "builtin"), path = "builtin_absent.rs")]
mod builtin;
pub mod config;
mod contract;
mod distinct;
pub mod explain;
pub mod fingerprint;
pub mod group;
pub mod lint;
pub mod proposals;
pub mod reload;
pub mod rule_stats;
pub mod run;
pub mod select;
pub mod store;
pub mod story;
pub mod variant;
pub mod watch;
pub mod why_not;

pub use build::{Engine, EngineOptions, Step};
pub use explain::Explanation;
pub use fingerprint::{EngineFile, EngineOrigin};
pub use group::{EngineGroup, EngineLoader};
pub use lint::{Finding, LINTS, Lint};
pub use proposals::{Proposals, Without};
pub use reload::Reload;
pub use rule_stats::RuleStats;
pub use run::Tagged;
pub use select::{Aggregate, Doubt, Informativeness, Measure, Opinion, Shortlist};
pub use store::EvidenceUse;
pub use story::{End, Place, Story};
pub use variant::Variants;
pub use watch::Watched;
pub use why_not::WhyNot;

pub use crate::source::BatchLimit;
