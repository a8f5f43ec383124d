//! `spanloom eval --report`: pages, Markdown and data of a run counted by hand.

use serde_json::{Value, json};

use super::Bench;

const ENGINE: &str = r#"
labels = ["LOC", "PER", "ORG"]
[[source]]
kind = "gazetteer"
name = "names"
entries = [
  ["Paris", "LOC", "", 0.9], ["Hilton", "PER", "", 0.6], ["Acme", "PER", "", 0.6],
  ["Bath", "LOC", "", 0.2], ["<b>&</script>", "ORG", "", 0.8],
]
match = "all"
[[merge]]
pass = "threshold"
min = 0.5
[[merge]]
pass = "longest"
"#;

/// Right: Paris. Wrong edges: Hilton. Wrong label: Acme. Missed: Bath, by the threshold, and Rome, which
/// nobody proposes. Spurious: Paris.
const GOLD: &str = "Paris\tB-LOC\nis\tO\ncalm\tO\n\nParis\tB-PER\nHilton\tI-PER\nof\tO\nAcme\tB-ORG\n\n\
                    Bath\tB-LOC\nand\tO\nRome\tB-LOC\n\nParis\tO\n";

fn bench() -> Bench {
    Bench::with_engine(ENGINE).write("gold.conll", GOLD)
}

fn data(bench: &Bench, arguments: &[&str]) -> Value {
    bench.run(&[&["eval", "--report", "out.json"], arguments].concat()).clean();
    serde_json::from_str(&bench.read("out.json")).unwrap()
}

#[test]
fn errors_are_told_with_the_step_that_decided() {
    let told = data(&bench(), &["gold.conll"]);
    let of = |error: &Value| {
        let text = |side: &str| error[side]["text"].as_str().unwrap_or("-").to_owned();
        let decision = &error["decision"];
        let step = decision["step"].as_str().unwrap().to_owned();
        [error["kind"].as_str().unwrap().to_owned(), text("gold"), text("predicted"), step]
    };
    let errors: Vec<[String; 4]> = told["errors"].as_array().unwrap().iter().map(of).collect();
    let expected = [
        ["boundary", "Paris Hilton", "Hilton", "not proposed"],
        ["spurious", "-", "Paris", "proposed, unopposed"],
        ["label", "Acme", "Acme", "not proposed"],
        ["missed", "Bath", "-", "1 threshold"],
        ["missed", "Rome", "-", "not proposed"],
        ["spurious", "-", "Paris", "proposed, unopposed"],
    ];
    let mut errors: Vec<[&str; 4]> =
        errors.iter().map(|one| one.each_ref().map(String::as_str)).collect();
    let mut expected = expected.to_vec();
    errors.sort_unstable();
    expected.sort_unstable();
    assert_eq!(errors, expected);
    let all = told["errors"].as_array().unwrap();
    let bath = all.iter().find(|error| error["gold"]["text"] == "Bath").unwrap();
    assert_eq!(bath["decision"]["line"], "spanloom.toml:11");
    assert_eq!((&bath["gold"]["start"], &bath["gold"]["end"]), (&json!(0), &json!(4)));
    assert_eq!((&bath["around"], &bath["sources"]), (&json!("Bath and Rome"), &json!(["names"])));
    assert_eq!(bath["predicted"], Value::Null);
    let acme = all.iter().find(|error| error["gold"]["text"] == "Acme").unwrap();
    assert_eq!(
        (&acme["predicted"]["label"], &acme["predicted"]["score"]),
        (&json!("PER"), &json!(0.6))
    );
    let reason = acme["decision"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("proposed as PER by names"), "{reason}");
}

#[test]
fn what_only_reports_tell_is_counted() {
    let told = data(&bench(), &["gold.conll"]);
    let cell = |gold: Option<&str>, predicted: Option<&str>| {
        let cells = told["confusion"].as_array().unwrap();
        let is_it =
            |cell: &&Value| cell["gold"] == json!(gold) && cell["predicted"] == json!(predicted);
        let found = cells.iter().find(is_it);
        found.map_or(json!([0, 0]), |cell| json!([cell["count"], cell["exact"]]))
    };
    assert_eq!(cell(Some("LOC"), Some("LOC")), json!([1, 1]));
    assert_eq!(cell(Some("PER"), Some("PER")), json!([1, 0]));
    assert_eq!(cell(Some("ORG"), Some("PER")), json!([1, 1]));
    assert_eq!(cell(Some("LOC"), None), json!([2, 0]));
    assert_eq!(cell(None, Some("LOC")), json!([2, 0]));
    // Of one word: Paris thrice, Hilton and Acme predicted; Paris, Acme, Bath and Rome in gold.
    let one = &told["lengths"][0];
    assert_eq!(
        [&one["least"], &one["most"], &one["gold"], &one["predicted"], &one["right"]],
        [1, 1, 4, 5, 1]
    );
    assert_eq!(
        (&told["lengths"][1]["gold"], &told["lengths"][4]["most"]),
        (&json!(1), &Value::Null)
    );
    // Hilton is an entity of gold nowhere; everything else is once.
    let predicted: Vec<&Value> =
        told["rarities"].as_array().unwrap().iter().map(|row| &row["predicted"]).collect();
    assert_eq!(predicted, [1, 4, 0, 0, 0]);
    let bins = told["calibration"]["bins"].as_array().unwrap();
    let counts =
        |bin: usize| [&bins[bin]["count"], &bins[bin]["right"]].map(|n| n.as_u64().unwrap());
    assert_eq!((counts(6), counts(9)), ([2, 0], [3, 1]));
    // (2 · 0.6 + |3 · 0.9 − 1|) / 5
    let error = told["calibration"]["expected_error"].as_f64().unwrap();
    assert!((error - 0.58).abs() < 1e-6, "{error}");
}

#[test]
fn predictions_of_others_have_a_report_too() {
    let bench = bench();
    bench.run(&["tag", "gold.conll", "--format", "conll", "-o", "tagged.conll"]).clean();
    let told = data(&bench, &["gold.conll", "--pred", "tagged.conll"]);
    assert_eq!((told["errors"].as_array().unwrap().len(), &told["calibration"]), (6, &Value::Null));
    assert_eq!(told["errors"][0]["decision"], Value::Null);
    bench.run(&["eval", "gold.conll", "--pred", "tagged.conll", "--report", "out.html"]).clean();
    let page = bench.read("out.html");
    assert!(!page.contains("<h2>Calibration</h2>") && page.contains("<h2>Errors</h2>"));
}

#[test]
fn markdown_has_the_tables() {
    let bench = bench();
    let out = bench.run(&["eval", "gold.conll", "--report", "out.md"]).clean();
    assert!(out.starts_with("label "), "the scores are printed all the same: {out}");
    let text = bench.read("out.md");
    for expected in [
        "# Evaluation\n\n4 documents; 5 entities in gold, 5 predicted\n\n## Scores of hybrid\n\n",
        "| label | precision | recall | F1 | support |\n| --- | ---: | ---: | ---: | ---: |\n\
         | `LOC` | 33.33% | 33.33% | 33.33% | 3 |\n",
        "| **micro** | 20.00% | 20.00% | 20.00% | 5 |\n",
        "| gold | `LOC` | `ORG` | `PER` | missed |\n",
        "| `LOC` | **1** |  |  | 2 |\n| `ORG` |  |  | 1 |  |\n| `PER` |  |  | **1** |  |\n\
         | spurious | 2 |  |  |  |\n",
        "| 2 | 0.00% | 0.00% | 0.00% | 1 | 0 |\n",
        "| not proposed | 3 |\n| proposed, unopposed | 2 |\n| 1 threshold | 1 |\n",
        "- missed: gold `Bath` LOC: ",
    ] {
        assert!(text.contains(expected), "{expected}\nin\n{text}");
    }
}

#[test]
fn systems_and_parts_are_compared() {
    let bench = bench();
    let arguments =
        ["eval", "gold.conll", "--systems", "gazetteer,hybrid", "--ablation", "--rounds", "50"];
    let reports = ["--report", "out.html", "--report", "out.md"];
    bench.run(&[arguments.as_slice(), &reports].concat()).clean();
    let text = bench.read("out.md");
    for expected in [
        "| gazetteer | 20.00% | 20.00% | 20.00% | ",
        " | 0.00 | 1.0000 | 1.0000 |\n",
        // Without the threshold Bath is right, too: two of six and of five.
        "| without | kind | F1 | difference | p | p (swap) |\n| --- | ---: | ---: | ---: | ---: | ---: |\n\
         | 1 threshold | pass | 36.36% | +16.36 | ",
        "| names | gazetteer | 0.00% | -20.00 | ",
        "### What harms, taken away\n\n| step | F1 | difference | p | p (swap) |\n\
         | --- | ---: | ---: | ---: | ---: |\n| 1 threshold | 36.36% | +16.36 | ",
    ] {
        assert!(text.contains(expected), "{expected}\nin\n{text}");
    }
    let page = bench.read("out.html");
    for heading in ["Systems", "What each part is worth", "Passes, one after another"] {
        assert!(page.contains(&format!("<h2>{heading}</h2>")), "{heading}");
    }
    assert_eq!(page.matches("<circle class=\"system\"").count(), 2);
    assert!(page.contains("<p class=\"note\">Of hybrid.</p>"));
}

#[test]
fn errors_of_another_system_than_the_last_are_told() {
    let bench = bench().write("good.toml", ENGINE.replace("min = 0.5", "min = 0.1"));
    let systems = ["gold.conll", "--systems", "hybrid,low=good.toml"];
    let missed = |arguments: &[&str]| {
        let told = data(&bench, &[&systems[..], arguments].concat());
        let errors = told["errors"].as_array().unwrap();
        let missed = errors.iter().filter(|error| error["kind"] == "missed").count();
        (told["errors_of"].as_str().unwrap().to_owned(), missed)
    };
    // Bath is under the threshold of the first.
    assert_eq!(missed(&[]), ("low".to_owned(), 1));
    assert_eq!(missed(&["--errors-of", "hybrid"]), ("hybrid".to_owned(), 2));
    let told = ["--errors", "--errors-of", "hybrid", "--report", "out.html", "--report", "out.md"];
    let out = bench.run(&[&["eval"], &systems[..], &told].concat()).clean();
    assert!(out.starts_with("errors of hybrid\n\nnot proposed"), "{out}");
    assert!(out.contains("[Bath] and Rome"), "{out}");
    assert!(bench.read("out.html").contains("<p class=\"note\">Of hybrid.</p>"));
    assert!(bench.read("out.md").contains("## Scores of hybrid\n"));
    let err =
        bench.run(&[&["eval"], &systems[..], &["--errors", "--errors-of", "lo"]].concat()).failed();
    assert!(err.contains("unknown system 'lo'"), "{err}");
    let err = bench.run(&[&["eval"], &systems[..], &["--errors-of", "low"]].concat()).failed();
    assert!(err.contains("`--errors` lists them"), "{err}");
}

#[test]
fn rarity_is_counted_in_training_files() {
    // Paris is an entity thrice there, Bath once, and the others never.
    let train = "{\"text\":\"Paris Paris Paris Bath Rome\",\"entities\":[\
                 {\"start\":0,\"end\":5,\"label\":\"LOC\"},{\"start\":6,\"end\":11,\"label\":\"PER\"},\
                 {\"start\":12,\"end\":17,\"label\":\"LOC\"},{\"start\":18,\"end\":22,\"label\":\"LOC\"}]}\n";
    let bench = bench().write("train.jsonl", train);
    let reports = ["--train", "train.jsonl", "--report", "out.html", "--report", "out.md"];
    let out = bench.run(&[&["eval", "gold.conll"], &reports[..]].concat()).clean();
    let expected = "\
times in training  precision   recall      f1  support  predicted
0                      0.00%    0.00%   0.00%        3          2
1                      0.00%    0.00%   0.00%        1          0
2–4                   33.33%  100.00%  50.00%        1          3
5–9                    0.00%    0.00%   0.00%        0          0
10+                    0.00%    0.00%   0.00%        0          0
";
    assert!(out.contains(expected), "{out}");
    let several = ["eval", "gold.conll", "--train", "train.jsonl", "--systems", "gazetteer,hybrid"];
    let out = bench.run(&several).clean();
    let expected = "\
times in training  gazetteer  hybrid  support
0                      0.00%   0.00%        3
1                      0.00%   0.00%        1
2–4                   50.00%  50.00%        1
";
    assert!(out.contains(expected), "{out}");
    let text = bench.read("out.md");
    let expected = "## By rarity in training\n\n| times in training | precision | recall | F1 | gold | predicted |\n";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("| 2–4 | 33.33% | 100.00% | 50.00% | 1 | 3 |\n"), "{text}");
    assert!(bench.read("out.html").contains("<h2>Rarity in training</h2>"));
    let told = data(&bench, &["gold.conll", "--train", "train.jsonl"]);
    let rows = told["systems"][0]["surfaces"]["by_training"].as_array().unwrap();
    let counts =
        |row: &Value| [&row["least"], &row["gold"], &row["right"]].map(|n| n.as_u64().unwrap());
    assert_eq!(rows.iter().map(counts).collect::<Vec<_>>()[..3], [[0, 3, 0], [1, 1, 0], [2, 1, 1]]);
}

#[test]
fn a_document_cannot_break_the_page() {
    let evil = "<b>&</script>";
    let lines =
        format!("{{\"id\":\"<i>\",\"text\":\"see {evil} <!-- | `x` here\",\"entities\":[]}}\n");
    let gold = "{\"text\":\"x <img src=x onerror=alert(1)>\",\"entities\":[{\"start\":2,\"end\":6,\"label\":\"ORG\"}]}\n";
    let bench = Bench::with_engine(ENGINE).write("gold.jsonl", lines + gold);
    bench.run(&["eval", "gold.jsonl", "--report", "out.html", "--report", "out.md"]).clean();
    let page = bench.read("out.html");
    assert!(!page.contains(evil) && !page.contains("<img") && !page.contains("<i>see"), "{page}");
    assert_eq!(page.matches("</script>").count(), 2, "of the data and of the script");
    assert_eq!(page.matches("<script").count(), 2);
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
}

#[test]
fn the_suffix_says_what_a_report_is() {
    let ran = bench().run(&["eval", "gold.conll", "--report", "out.pdf"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("expected a name that ends in .html, .md or .json"), "{}", ran.err);
    let err = bench().run(&["eval", "gold.conll", "--report", "missing/out.md"]).failed();
    assert!(err.contains("missing/out.md"), "{err}");
}

/// Hours of work are not lost to a folder that is not there.
#[test]
fn a_report_that_cannot_be_written_is_told_before_the_work() {
    let bench = Bench::new().write("gold.conll", "Paris\tB-LOC\n").write("a.txt", "Paris");
    for arguments in [
        &["eval", "gold.conll", "--report", "no/such.html"][..],
        &["diff", "spanloom.toml", "spanloom.toml", "a.txt", "--html", "no/such.html"],
        &["tune", "--gold", "gold.conll", "-o", "no/such.toml"],
        &["tag", "a.txt", "-o", "job/", "--report", "no/such.html"],
    ] {
        let error = bench.run(arguments).failed();
        assert!(error.contains("cannot write no/such"), "{arguments:?}: {error}");
    }
    assert!(!bench.path().join("job").join("part-00000.jsonl").exists());
}
