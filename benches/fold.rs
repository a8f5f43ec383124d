//! Text folding: plain ASCII (the fast path), accented Latin, Cyrillic, and Chinese with full-width
//! forms, about 1 MB each.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use spanloom::text::{FoldOptions, fold};

/// A named sentence, and what it folds to.
const INPUTS: [(&str, &str, &str); 4] = [
    (
        "ascii",
        "The minister arrived in New York on Tuesday, her office said in a statement.\n",
        "the minister arrived in new york on tuesday, her office said in a statement. ",
    ),
    (
        "accents",
        "Le président a reçu à São Paulo le ministre d’État — et Łukasz Żółć à l’Élysée.\n",
        "le president a recu a sao paulo le ministre d'etat - et lukasz zolc a l'elysee. ",
    ),
    (
        "cyrillic",
        "Президент прибыл в Москву во вторник, сообщила его канцелярия.\n",
        "президент прибыл в москву во вторник, сообщила его канцелярия. ",
    ),
    (
        "wide",
        "東京都の人口は１４００万人、ＴＯＫＹＯと書く。\n",
        "東京都の人口は1400万人、tokyoと書く。 ",
    ),
];

fn benchmark(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fold");
    for (name, sentence, folded) in INPUTS {
        let count = 1_000_000 / sentence.len();
        let text = sentence.repeat(count);
        let result = fold(&text, FoldOptions::ALL);
        assert_eq!(result.text(), folded.repeat(count), "{name}");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(name), &text, |b, text| {
            b.iter(|| fold(black_box(text), FoldOptions::ALL));
        });
    }
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
