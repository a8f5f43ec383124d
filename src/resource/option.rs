//! How a component documents the keys it reads.

/// A key that a source kind, pass or format reads, for `spanloom list` and the documentation.
#[derive(Debug, Clone, Copy)]
pub struct OptionDoc {
    /// The key as written in TOML.
    pub name: &'static str,
    /// Its type and default, as shown to users: `string`, `number, 0.5`.
    pub value: &'static str,
    /// What it does.
    pub doc: &'static str,
}
