//! What does a rule say, and where does it hold? The one rule language, spoken by the source `rules`
//! and by the passes that look at candidates.
//!
//! `schema` is what a rule file may hold, `compile` makes it run, `prefilter` (on the literals that
//! `literal` and `syntax` find in patterns) tells where rules can match, `limit` keeps patterns from
//! running for ever, `cases` runs what every rule promises, [`check`] holds the validators.

pub(crate) mod cases;
pub mod check;
pub(crate) mod compile;
pub(crate) mod limit;
mod literal;
pub(crate) mod prefilter;
pub(crate) mod schema;
mod syntax;
pub(crate) mod tokens;
