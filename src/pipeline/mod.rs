//! How do the parts run together? An engine file, checked and built, and its run over documents.

/// An engine: sources, merge and the labels it gives.
pub struct Engine;
