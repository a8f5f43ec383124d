use super::*;

const SMALL: &str =
    "[[data.train]]\npath = \"a.conll\"\n[model]\nstart = \"m\"\n[output]\nfolder = \"o\"\n";

fn parse(text: &str) -> Result<Recipe> {
    Recipe::parse(&TomlFile::new("r.toml", text))
}

fn problem(more: &str) -> String {
    parse(&format!("{SMALL}{more}")).unwrap_err().to_string()
}

#[test]
fn three_tables_are_enough() {
    let recipe = parse(SMALL).unwrap();
    assert_eq!((recipe.seed, recipe.batch.sentences, recipe.schedule.epochs), (42, 32, 3));
    assert_eq!(recipe.train[0].place.to_string(), "r.toml:2:8");
    assert_eq!(recipe.optimiser.name, OptimiserName::Adamw);
}

#[test]
fn everything_can_be_said() {
    let text = r#"
        seed = 7
        [[data.train]]
        path = ["a.conll", "b/*.jsonl"]
        name = "both"
        format = "conll"
        tag-column = 2
        map = { person = "PER" }
        drop = ["MISC"]
        labels = ["PER"]
        weight = 0.5
        [[data.dev]]
        path = "dev.conll"
        [model]
        start = "m"
        scheme = "bioes"
        labels = ["PER", "LOC"]
        last-layer = "new"
        max-length = 128
        dropout = 0.2
        label-all = true
        [optimiser]
        name = "sgd"
        rate = 0.001
        momentum = 0.9
        [schedule]
        shape = "cosine"
        warm-up-steps = 10
        steps = 100
        [batch]
        tokens = 4096
        accumulate = 2
        [loss]
        label-smoothing = 0.1
        class-weights = { O = 0.5, PER = 2.0 }
        focal = 2.0
        [evaluation]
        every-steps = 50
        metric = "macro-f1"
        patience = 3
        [checkpoint]
        every-steps = 25
        keep = 2
        [output]
        folder = "o"
        numbers = "f16"
    "#;
    let recipe = parse(text).unwrap();
    assert_eq!(recipe.train[0].path.all().len(), 2);
    assert_eq!(recipe.model.scheme, TagScheme::Bioes);
    assert_eq!(recipe.loss.class_weights["PER"], 2.0);
    assert_eq!((recipe.schedule.steps, recipe.output.numbers), (Some(100), Numbers::F16));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let cases = [
        ("[optimiser]\nrats = 1", "r.toml:8:1: unknown field 'rats'"),
        ("[optimiser]\nrate = -1.0", "r.toml:8:8: 'rate' is -1, expected 0 or more"),
        ("[optimiser]\nmomentum = 0.9", "r.toml:8:12: 'momentum' is of the optimiser sgd"),
        ("[schedule]\nshape = \"cubic\"", "r.toml:8:9: unknown variant 'cubic'"),
        (
            "[schedule]\nsteps = 1\nepochs = 2",
            "r.toml:9:10: expected 'epochs' or 'steps', got both",
        ),
        ("[batch]\nsentences = 0", "r.toml:8:13: 'sentences' is 0, expected 1 or more"),
        (
            "[loss]\nlabel-smoothing = 1.0",
            "r.toml:8:19: 'label-smoothing' is 1, expected 0 to less",
        ),
        ("[evaluation]\npatience = 0", "r.toml:8:12: 'patience' is 0"),
        ("[checkpoint]\nkeep = 0", "r.toml:8:8: 'keep' is 0"),
        ("[losses]\n", "unknown key 'losses'"),
        ("[[data.trian]]\npath = \"x\"", "unknown key 'trian'"),
        (
            "[[data.dev]]\npath = \"x\"\nformat = \"conl\"",
            "r.toml:9:10: unknown format 'conl'; did you",
        ),
        (
            "[[data.dev]]\npath = \"x\"\nweight = 0.0",
            "r.toml:9:10: 'weight' is 0, expected more than",
        ),
    ];
    for (more, expected) in cases {
        let got = problem(more);
        assert!(got.contains(expected), "{more}\ngot: {got}\nexpected: {expected}");
    }
    let error = parse("").unwrap_err().to_string();
    for missing in ["missing [[data.train]]", "missing table [model]", "missing table [output]"] {
        assert!(error.contains(missing), "{error}");
    }
}

#[test]
fn an_error_stands_where_the_value_does() {
    let text = "[[data.train]]\npath = \"x\"\n[model]\nstart = \"y\"\noptions = { ratio = \"much\" }\n[output]\nfolder = \"z\"\n";
    let recipe = Recipe::parse(&TomlFile::new("r.toml", text)).unwrap();
    let place = |path: &str| recipe.wrong(path, "wrong").location().unwrap().to_string();
    assert_eq!(place("model.options.ratio"), "r.toml:5:21");
    assert_eq!(place("model.label-all"), "r.toml:3:1");
    assert_eq!(place("lora.rank"), "r.toml");
    #[derive(Debug, serde::Deserialize)]
    struct Options {
        #[expect(dead_code)]
        ratio: f64,
    }
    let error = recipe.options::<Options>().unwrap_err();
    assert_eq!(error.location().unwrap().to_string(), "r.toml:5:21");
}
