//! Stands in for `remote` in a program that is built without it: every address is an error that says so.

use std::io::Read;

use super::address::Address;
use crate::error::{Error, ErrorKind, Result};

/// The services that addresses name: none.
#[derive(Default)]
pub(super) struct Remote {}

impl Remote {
    /// The objects that an address stands for.
    ///
    /// # Errors
    /// Always.
    pub(super) fn find(&mut self, address: &Address) -> Result<Vec<RemoteObject>> {
        let message =
            format!("cannot read {address}: this program is built without inputs by address");
        Err(Error::new(ErrorKind::Io, message).with_help(
            "build it with `cargo build --release --features remote`, or copy the objects into a folder",
        ))
    }
}

/// An object behind an address: there is none.
#[derive(Debug, Clone)]
pub enum RemoteObject {}

impl RemoteObject {
    /// What to call it.
    pub fn name(&self) -> String {
        match *self {}
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        match *self {}
    }

    /// Its bytes.
    pub(super) fn open(&self) -> Box<dyn Read + Send> {
        match *self {}
    }
}
