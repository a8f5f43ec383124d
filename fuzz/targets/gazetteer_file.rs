//! The file that a gazetteer is kept in, damaged: a good one with edits, or any bytes. It is refused, or it
//! can be searched; nothing is read outside it.

#![no_main]

use std::ops::Range;
use std::sync::LazyLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use spanloom::Document;
use spanloom::source::gazetteer::{Builder, Fuzzy, Gazetteer, MatchKind, Matcher};

#[derive(Debug, Arbitrary)]
enum Input<'a> {
    Bytes(&'a [u8]),
    Edited { base: u8, edits: Vec<Edit<'a>>, reseal: bool },
}

/// A change to a file; places are counted round the end.
#[derive(Debug, Arbitrary)]
enum Edit<'a> {
    Set { at: u16, byte: u8 },
    Add { at: u16, to_byte: u8 },
    Write32 { at: u16, number: u32 },
    Write64 { at: u16, number: u64 },
    Insert { at: u16, bytes: &'a [u8] },
    Remove { at: u16, count: u8 },
    Copy { from: u16, to: u16, count: u8 },
    Cut { at: u16 },
}

/// What the lists of `BASES` are searched for in.
const TEXT: &str = "Ada flew from Pariss to Paris and New\nYork, São Paulo and tromso. 東京 #PrayForParis";

const LISTS: [&str; 3] = [
    "",
    "Paris\tLOC\n",
    "Paris\tLOC\tQ90\t0.5\tcase=fold;cc=FR\nparis\tPER\nNew York\tLOC\nTromsø\tLOC\tQ26087\t1\n東京\tLOC\nAda\tPER\n",
];

static BASES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let build = |list: &str| {
        let mut builder = Builder::new();
        builder.add_tsv("list", list.as_bytes());
        builder.build().expect("a good list").as_bytes().to_vec()
    };
    LISTS.iter().map(|list| build(list)).collect()
});

impl Edit<'_> {
    fn apply(&self, file: &mut Vec<u8>) {
        let length = file.len();
        let place = |at: u16| usize::from(at) % length.max(1);
        let mut overwrite = |at: u16, bytes: &[u8]| {
            for (old, new) in file.iter_mut().skip(place(at)).zip(bytes) {
                *old = *new;
            }
        };
        match *self {
            Self::Set { at, byte } => overwrite(at, &[byte]),
            Self::Write32 { at, number } => overwrite(at, &number.to_le_bytes()),
            Self::Write64 { at, number } => overwrite(at, &number.to_le_bytes()),
            Self::Add { at, to_byte } => {
                if let Some(byte) = file.get_mut(place(at)) {
                    *byte = byte.wrapping_add(to_byte);
                }
            }
            Self::Insert { at, bytes } => drop(file.splice(place(at)..place(at), bytes.iter().copied())),
            Self::Remove { at, count } => {
                let end = length.min(place(at) + usize::from(count));
                file.drain(place(at)..end);
            }
            Self::Copy { from, to, count } => {
                let copied: Vec<u8> = file.iter().skip(place(from)).take(usize::from(count)).copied().collect();
                file.splice(place(to)..place(to), copied);
            }
            Self::Cut { at } => file.truncate(place(at)),
        }
    }
}

/// Makes the length of the file and the checksum of its header right again, so that the damage is met
/// behind them. The layout is that of `src/source/gazetteer/format.rs`.
fn reseal(file: &mut [u8]) {
    const HEADER_LENGTH: Range<usize> = 12..16;
    const FILE_LENGTH: Range<usize> = 16..24;
    const CHECKSUM: Range<usize> = 24..32;
    if file.len() < CHECKSUM.end {
        return;
    }
    let length = (file.len() as u64).to_le_bytes();
    file[FILE_LENGTH].copy_from_slice(&length);
    file[CHECKSUM].fill(0);
    let header = file[HEADER_LENGTH].try_into().map(u32::from_le_bytes).expect("four bytes");
    let header = &file[..file.len().min(header as usize)];
    let sum = header.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    file[CHECKSUM].copy_from_slice(&sum.to_le_bytes());
}

/// How many entries of a damaged file are read: it may claim more than it has.
const ENTRIES: usize = 1000;

/// Everything that can be asked of a file.
fn read(gazetteer: &Gazetteer) {
    if let Err(error) = gazetteer.verify() {
        spanloom_fuzz::render(&error);
    }
    for entry in gazetteer.entries().take(ENTRIES) {
        let _ = (entry.detail(), entry.attributes_text(), entry.to_entry());
    }
    for (surface, entries) in gazetteer.surfaces().take(ENTRIES) {
        let _ = (gazetteer.number(&surface), entries.take(ENTRIES).count());
    }
    for name in ["Paris", "new york", "東京", ""] {
        let _ = gazetteer.of_name(name).take(ENTRIES).count();
    }
}

fuzz_target!(|input: Input<'_>| {
    let file = match input {
        Input::Bytes(bytes) => bytes.to_vec(),
        Input::Edited { base, edits, reseal: is_resealed } => {
            let mut file = BASES[usize::from(base) % BASES.len()].clone();
            edits.iter().for_each(|edit| edit.apply(&mut file));
            if is_resealed {
                reseal(&mut file);
            }
            file
        }
    };
    let gazetteer = match Gazetteer::from_bytes(file) {
        Ok(gazetteer) => gazetteer,
        Err(error) => return spanloom_fuzz::render(&error),
    };
    read(&gazetteer);
    let gazetteers = [gazetteer];
    for (matches, fuzzy) in [
        (MatchKind::Longest, None),
        (MatchKind::All, Some(Fuzzy::default())),
    ] {
        let mut matcher = Matcher::lookup();
        matcher.matches = matches;
        matcher.fuzzy = fuzzy;
        for document in [Document::new("", TEXT), Document::from_words("", TEXT.split_whitespace())] {
            for found in matcher.find_each(&gazetteers, &document) {
                assert!(found.span.slice(&document.text).is_some(), "{:?}", found.span);
                assert!((0.0..=1.0).contains(&found.score), "{}", found.score);
            }
        }
    }
});
