//! Where do engine files, rules, gazetteers and models come from? Bytes by name from a folder or
//! from the binary itself, and TOML tables that remember their place.

pub mod files;
pub mod mapped;
pub mod option;
mod reads;
pub mod section;

pub use files::{BuiltinFile, Files};
pub use mapped::FileBytes;
pub use option::OptionDoc;
pub use reads::{NotedFolder, Reads};
pub use section::{Section, TomlFile};

/// Bytes in hexadecimal, as checksums are told.
pub fn in_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
