//! A file of documents in any format, read in any way. What comes out keeps its promises. The first byte of
//! the input chooses the format, the bits of the second how it is read; the rest is the file.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use spanloom::io::{Discontinuous, FORMATS, GoldOptions, Input, ReadOptions};

/// So many documents of an input are looked at.
const DOCUMENTS: usize = 200;

fuzz_target!(|bytes: &[u8]| {
    let [format, choices, file @ ..] = bytes else { return };
    let format = &FORMATS[usize::from(*format) % FORMATS.len()];
    let is_chosen = |bit: u8| choices & (1 << bit) != 0;
    let gold = GoldOptions {
        is_optional: is_chosen(1),
        discontinuous: if is_chosen(2) { Discontinuous::Split } else { Discontinuous::Refuse },
        column: is_chosen(3).then_some(2),
        ..GoldOptions::default()
    };
    let names = || ["O", "B-PER", "I-PER"].map(str::to_owned);
    let options = ReadOptions {
        gold: is_chosen(0).then_some(gold),
        tag_names: is_chosen(4).then(|| names().into()),
        token_column: is_chosen(5).then_some(2),
        separator: is_chosen(6).then_some(','),
        max_document_bytes: if is_chosen(7) { 16 } else { 1 << 16 },
        max_line_bytes: 1 << 16,
        ..ReadOptions::default()
    };
    let input = Input::new("input", Cursor::new(file.to_vec()));
    for document in (format.read)(input, &options).take(DOCUMENTS) {
        match document {
            Ok(document) => spanloom_fuzz::check_document(&document),
            Err(error) => spanloom_fuzz::render(&error),
        }
    }
});
