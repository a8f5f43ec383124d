//! `spanloom corpus stats`: what is counted and how it looks.

use serde_json::{Value, json};

use super::Bench;

const TRAIN: &str = "New\tB-LOC\nYork\tI-LOC\nis\tO\n\nNew\tB-ORG\nYork\tI-ORG\nwon\tO\n\nNew\tO\nYork\tO\nis\tO\n\nAnn\tB-PER\nleft\tO\n";
const TEST: &str = "Ann\tB-PER\nleft\tO\n\nBo\tB-PER\nleft\tO\n";

fn bench() -> Bench {
    Bench::new().write("data/train.conll", TRAIN).write("data/test.conll", TEST)
}

#[test]
fn sizes_leaks_conflicts_and_the_tail_are_shown() {
    let bench = bench();
    let out = bench.run(&["corpus", "stats", "data/train.conll", "data/test.conll"]).clean();
    let expected = "\
part              documents  sentences  tokens  entities  in entities  duplicates
data/train.conll          4          4      11         3        45.5%           1
data/test.conll           2          2       4         2        50.0%           0
all                       6          6      15         5        46.7%           2

length in tokens             mean  p50  p90  p99  longest
data/train.conll  sentences  2.75    3    3    3        3
                  entities   1.67    2    2    2        2
data/test.conll   sentences  2.00    2    2    2        2
                  entities   1.00    1    1    1        1
all               sentences  2.50    2    3    3        3
                  entities   1.40    1    2    2        2

label  train.conll  test.conll  entities  share  surfaces  mean length  longest
LOC              1           0         1  20.0%         1         2.00        2
ORG              1           0         1  20.0%         1         2.00        2
PER              1           2         3  60.0%         2         1.00        1

stands again in  of                documents  share  differ   seen  seen alike
data/test.conll  data/train.conll          1  50.0%       0  50.0%       50.0%

duplicates in     documents  differ
data/train.conll          1       1  data/train.conll:3 = data/train.conll:1

surface with several labels  labels
New York                     LOC 1, ORG 1
1 surface with several labels, 1 entity with another than the usual one

surfaces that come  surfaces  entities  surfaces
once                       1     20.0%  ████████████████████
twice                      2     80.0%  ████████████████████████████████████████
most frequent: Ann 2, New York 2, Bo 1
";
    assert_eq!(out, expected);
}

#[test]
fn json_has_all_numbers() {
    let bench = bench();
    let arguments = ["corpus", "stats", "data/train.conll", "data/test.conll", "--format", "json"];
    let out = bench.run(&arguments).clean();
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["all"]["tokens"], 15);
    assert_eq!(report["parts"][0]["duplicates"]["with_other_entities"], 1);
    assert_eq!(report["leaks"][0]["documents"], 1);
    assert_eq!(report["all"]["label_conflicts"][0]["labels"], json!({ "LOC": 1, "ORG": 1 }));
    assert_eq!(report["all"]["long_tail"][1]["surfaces"], 2);
    assert_eq!(report["all"]["lengths"]["entities"]["longest"], 2);
    let only = bench.run(&[&arguments[..], &["--drop", "ORG"]].concat()).clean();
    let report: Value = serde_json::from_str(&only).unwrap();
    assert_eq!(report["all"]["label_conflicts"], json!([]));
}

#[test]
fn texts_without_gold_are_counted_too() {
    let bench = Bench::new().write("in/a.txt", "Ann left. Bo came back.").write("in/b.txt", "Hm.");
    let out = bench.run(&["corpus", "stats", "in"]).clean();
    assert!(out.contains("in            2          3       9         0         0.0%"), "{out}");
    assert!(out.contains("2 documents came without gold"), "{out}");
    assert!(!out.contains("label"), "{out}");
}
