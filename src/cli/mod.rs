//! What can I type? One file a subcommand.

pub mod gazetteer;
