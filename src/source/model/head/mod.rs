//! Heads: what is made of an encoder's hidden states. Heads do not know which encoder fed them.

mod token;

pub use token::TokenHead;
