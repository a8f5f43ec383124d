//! What every entry of every registry owes: a proper name, documentation, and options that are
//! documented exactly as they are read. Also what every shipped rule pack owes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use spanloom::io::FORMATS;
use spanloom::merge::{PASSES, PRESETS, PassScope};
use spanloom::pipeline::LINTS;
use spanloom::pipeline::config::{ENGINE_OPTIONS, PASS_OPTIONS, SOURCE_OPTIONS};
use spanloom::resource::{Files, OptionDoc, Section, TomlFile};
use spanloom::rule::action::ACTIONS;
use spanloom::rule::check::CHECKS;
use spanloom::rule::condition::CONDITIONS;
use spanloom::rule::keys::{CASE_OPTIONS, ENTITY_RULE_OPTIONS, RULE_OPTIONS};
use spanloom::source::model::{ARCHITECTURES, DeviceChoice, HEADS};
use spanloom::source::{self, LoadContext, SOURCES};
use spanloom::{Engine, Result};

/// Options that are tables of their own and so are read before the rest.
const TABLES: &[&str] = &["rule", "cue", "fit", "row", "entry", "macros", "lists"];

fn context() -> LoadContext {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    LoadContext { files: Files::Folder(root), device: DeviceChoice::Cpu }
}

#[test]
fn names_are_unique_and_as_users_type_them() {
    let registries: [(&str, Vec<&str>); 9] = [
        ("SOURCES", SOURCES.iter().map(|k| k.name).collect()),
        ("PASSES", PASSES.iter().map(|k| k.name).collect()),
        ("PRESETS", PRESETS.iter().map(|p| p.name).collect()),
        ("FORMATS", FORMATS.iter().map(|k| k.name).collect()),
        ("ARCHITECTURES", ARCHITECTURES.iter().map(|k| k.name).collect()),
        ("HEADS", HEADS.iter().map(|k| k.name).collect()),
        ("CHECKS", CHECKS.iter().map(|k| k.name).collect()),
        ("ACTIONS", ACTIONS.iter().map(|a| a.name).collect()),
        ("LINTS", LINTS.iter().map(|lint| lint.name).collect()),
    ];
    for (registry, names) in registries {
        let unique: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(unique.len(), names.len(), "{registry}: two entries have one name: {names:?}");
        for name in names {
            // Architectures have the names that Hugging Face gave them, some with an underscore.
            let hugging_face = registry == "ARCHITECTURES";
            let is_typed = |c: char| {
                c.is_ascii_lowercase()
                    || c.is_ascii_digit()
                    || c == '-'
                    || (hugging_face && c == '_')
            };
            let proper = name.chars().all(is_typed)
                && name.starts_with(|c: char| c.is_ascii_lowercase())
                && !name.ends_with('-');
            assert!(proper, "{registry}: '{name}' is not kebab-case");
        }
    }
}

#[test]
fn everything_is_documented() {
    let mut docs: Vec<(String, &str)> = Vec::new();
    docs.extend(HEADS.iter().map(|head| (format!("head {}", head.name), head.doc)));
    docs.extend(ARCHITECTURES.iter().map(|a| (format!("architecture {}", a.name), a.doc)));
    docs.extend(CHECKS.iter().map(|c| (format!("check {}", c.name), c.doc)));
    docs.extend(ACTIONS.iter().map(|a| (format!("action {}", a.name), a.doc)));
    docs.extend(LINTS.iter().map(|lint| (format!("lint {}", lint.name), lint.doc)));
    let rule_keys = [RULE_OPTIONS, ENTITY_RULE_OPTIONS, CASE_OPTIONS, CONDITIONS];
    docs.extend(rule_keys.concat().iter().map(|o| (format!("rule: {}", o.name), o.doc)));
    let tables = [
        ("engine file", "", ENGINE_OPTIONS),
        ("[[source]]", "", SOURCE_OPTIONS),
        ("[[merge]]", "", PASS_OPTIONS),
    ];
    let lists = tables
        .into_iter()
        .chain(SOURCES.iter().map(|k| (k.name, k.doc, k.options)))
        .chain(PASSES.iter().map(|k| (k.name, k.doc, k.options)))
        .chain(PRESETS.iter().map(|p| (p.name, p.doc, p.options)))
        .chain(FORMATS.iter().map(|k| (k.name, k.doc, k.options)));
    for (name, doc, options) in lists {
        if !doc.is_empty() || tables.iter().all(|(table, ..)| *table != name) {
            docs.push((name.to_owned(), doc));
        }
        let names: BTreeSet<&str> = options.iter().map(|o| o.name).collect();
        assert_eq!(names.len(), options.len(), "{name}: an option is documented twice");
        for option in options {
            assert!(!option.value.trim().is_empty(), "{name}: {} has no type", option.name);
            docs.push((format!("{name}: option {}", option.name), option.doc));
        }
    }
    for (what, doc) in docs {
        assert!(doc.ends_with('.') && doc.len() > 10, "{what} is not documented: {doc:?}");
        assert!(!doc.contains("  ") && doc.trim() == doc, "{what}: stray white space in {doc:?}");
    }
}

/// The keys that a section may have, as the error about one that it may not have lists them.
fn read_keys(text: &str, read: impl FnOnce(Section<'_>) -> Result<()>) -> BTreeSet<String> {
    let file = TomlFile::new("test.toml", text);
    let error = read(file.parse().expect("the text is TOML")).expect_err("the key is unknown");
    let messages: Vec<String> = error.into_list().iter().map(|e| e.message().to_owned()).collect();
    let unknown = "unknown field 'no-such-key', ";
    let expected = messages.iter().find_map(|message| Some(message.split_once(unknown)?.1));
    let expected = expected.unwrap_or_else(|| panic!("not about the unknown key: {messages:?}"));
    expected.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The documented keys that begin with `prefix`, without it, and without those of tables inside.
fn documented(options: &[OptionDoc], prefix: &str) -> BTreeSet<String> {
    let names = options.iter().filter_map(|o| o.name.strip_prefix(prefix));
    names.filter(|n| !n.contains('.') && !TABLES.contains(n)).map(str::to_owned).collect()
}

#[test]
fn sources_read_the_options_that_they_document() {
    for kind in SOURCES {
        let load = |section: Section<'_>| (kind.load)("test".into(), section, &context()).map(drop);
        let keys = read_keys("no-such-key = 1", load);
        assert_eq!(keys, documented(kind.options, ""), "source {}", kind.name);
        if kind.options.iter().any(|o| o.name == "entry") {
            let keys = read_keys("[[entry]]\nno-such-key = 1", load);
            assert_eq!(keys, documented(kind.options, "entry."), "source {}: entry", kind.name);
        }
    }
}

#[test]
fn passes_read_the_options_that_they_document() {
    let sources: [Arc<str>; 1] = ["tagger".into()];
    let files = context().files;
    let scope =
        PassScope { sources: &sources, labels: &["PER".into()], files: &files, flat: false };
    for kind in PASSES {
        let build = |section: Section<'_>| (kind.build)(section, &scope).map(drop);
        let table = TABLES.iter().find(|table| kind.options.iter().any(|o| o.name == **table));
        let mut text = "no-such-key = 1\n".to_owned();
        // Rules have their own documentation.
        if let Some(table) = table.filter(|table| **table != "rule") {
            text.push_str(&format!("[[{table}]]\n"));
            let inner = read_keys(&format!("[[{table}]]\nno-such-key = 1"), build);
            let prefix = format!("{table}.");
            assert_eq!(inner, documented(kind.options, &prefix), "pass {}: {table}", kind.name);
        }
        let keys = read_keys(&text, build);
        assert_eq!(keys, documented(kind.options, ""), "pass {}", kind.name);
    }
}

#[test]
fn rules_read_the_keys_that_they_document() {
    let pass = spanloom::merge::kind("rules").expect("a pass");
    let files = context().files;
    let scope = PassScope { sources: &[], labels: &["PER".into()], files: &files, flat: false };
    let keys = |text: &str| read_keys(text, |section| (pass.build)(section, &scope).map(drop));
    let rule = [RULE_OPTIONS, ENTITY_RULE_OPTIONS].concat();
    let names = |options: &[OptionDoc]| -> BTreeSet<String> {
        options.iter().map(|option| option.name.to_owned()).collect()
    };
    assert_eq!(keys("[[rule]]\nno-such-key = 1"), names(&rule));
    assert_eq!(keys("[[rule]]\nid = 'x'\n[rule.when]\nno-such-key = 1"), names(CONDITIONS));
    assert_eq!(keys("[[rule]]\nid = 'x'\n[rule.slot.y]\nno-such-key = 1"), names(CONDITIONS));
    assert_eq!(keys("[[rule]]\nid = 'x'\n[[rule.case]]\nno-such-key = 1"), names(CASE_OPTIONS));
}

#[test]
fn the_engine_file_reads_the_options_that_it_documents_and_reports_all_that_is_wrong() {
    let mut text: String = ENGINE_OPTIONS.iter().map(|o| format!("{} = 1\n", o.name)).collect();
    text.push_str("no-such-key = 1\n[[source]]\n[[merge]]\n");
    let file = TomlFile::new("e.toml", &text);
    let section = file.parse().expect("it is TOML");
    let errors = spanloom::pipeline::config::EngineConfig::parse(section).errors;
    // One a key of a wrong type, one for the unknown key, one a table without its name.
    assert_eq!(errors.len(), ENGINE_OPTIONS.len() + 3, "{errors:#?}");
    let unknown = errors.iter().find(|e| e.message() == "unknown field 'no-such-key'");
    let help = unknown.and_then(|e| e.help_text()).expect("the known keys are named");
    assert!(ENGINE_OPTIONS.iter().all(|o| help.contains(o.name)), "{help}");
}

#[test]
fn an_engine_that_declares_no_label_has_undeclared_ones() {
    let text = "labels = []\n[[source]]\nkind = \"gazetteer\"\nname = \"p\"\n\
                entries = [[\"Paris\", \"LOC\"]]\n";
    let error = spanloom::Engine::parse(text).err().expect("LOC is declared nowhere");
    assert!(error.message().contains("'LOC', which the engine file does not declare"), "{error}");
}

#[test]
fn a_source_that_cannot_be_read_is_still_one_that_passes_may_name() {
    let text = "labels = ['LOC']\n[[source]]\nname = 'places'\n[[merge]]\npass = 'priority'\n\
                order = ['places']\n";
    let errors = Engine::parse(text).err().expect("the source has no kind").into_list();
    let messages: Vec<&str> = errors.iter().map(spanloom::Error::message).collect();
    assert_eq!(messages, ["missing key 'kind'"]);
}

#[test]
fn checks_show_what_they_accept_and_refuse() {
    for check in CHECKS {
        assert!(!check.passes.is_empty() && !check.fails.is_empty(), "{}", check.name);
        assert!(check.passes.iter().all(|text| (check.valid)(text)), "{}", check.name);
        assert!(!check.fails.iter().any(|text| (check.valid)(text)), "{}", check.name);
    }
}

#[test]
fn unknown_names_list_the_known() {
    let errors = [
        source::kind("gazeteer").err(),
        spanloom::merge::kind("priorty").err(),
        spanloom::merge::preset::preset("presido").err(),
        spanloom::io::format("json").err(),
        spanloom::rule::check::check("lhun").err(),
        source::model::arch::architecture("brt", "config.json").err(),
    ];
    for error in errors {
        let error = error.expect("none is called so");
        assert!(error.help_text().is_some_and(|h| h.contains("known: ")), "{error}");
    }
}

/// What the rule packs share, which holds no rules.
const COMMON: &str = "rules/common.toml";

/// The pack of rules about entities, which goes into a merge pass.
const BOUNDARY: &str = "rules/boundary.toml";

/// The shipped packs of rules about text, sorted: names relative to the root of the repository.
fn packs() -> Vec<String> {
    let mut packs = context().files.expand("rules/*.toml").expect("rule packs are shipped");
    packs.retain(|pack| ![COMMON, BOUNDARY].contains(&pack.as_str()));
    packs
}

fn toml_of(name: &str) -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn strings(table: &toml::Table, key: &str) -> Vec<String> {
    let list = table.get(key).and_then(toml::Value::as_array).into_iter().flatten();
    list.map(|item| item.as_str().expect("a string").to_owned()).collect()
}

#[test]
fn every_rule_pack_loads_and_its_cases_pass() {
    let kind = source::kind("rules").expect("a kind of source");
    for pack in packs() {
        let text = format!("files = [{COMMON:?}, {pack:?}]");
        let file = TomlFile::new("test.toml", &text);
        let section = file.parse().expect("the text is TOML");
        let source = (kind.load)("test".into(), section, &context())
            .unwrap_or_else(|e| panic!("{pack}: {e:?}"));
        let failed: Vec<String> = source.check().iter().map(ToString::to_string).collect();
        assert!(failed.is_empty(), "{pack}:\n{}", failed.join("\n"));
    }
}

#[test]
fn the_rules_of_boundaries_load_and_their_cases_pass() {
    let pass = spanloom::merge::kind("rules").expect("a pass");
    let text = format!("files = [{BOUNDARY:?}]");
    let file = TomlFile::new("test.toml", &text);
    let labels = ["PER", "LOC", "ORG", "MISC"].map(spanloom::span::Label::new);
    let files = context().files;
    let scope = PassScope { sources: &[], labels: &labels, files: &files, flat: true };
    let pass = (pass.build)(file.parse().expect("the text is TOML"), &scope)
        .unwrap_or_else(|e| panic!("{e:?}"));
    let failed: Vec<String> = pass.check().iter().map(ToString::to_string).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn every_rule_is_documented_and_shows_what_it_finds_and_what_not() {
    for pack in packs() {
        let table = toml_of(&pack);
        for rule in table["rule"].as_array().expect("tables") {
            let id = rule["id"].as_str().expect("an id");
            let doc = rule["doc"].as_str().unwrap_or("");
            assert!(doc.ends_with('.'), "{pack}: rule '{id}' is not documented");
            let cases = rule.get("case").and_then(toml::Value::as_array);
            let finds: Vec<bool> = cases
                .into_iter()
                .flatten()
                .map(|case| !case["finds"].as_array().expect("a list").is_empty())
                .collect();
            assert!(finds.contains(&true), "{pack}: rule '{id}' has no positive case");
            assert!(finds.contains(&false), "{pack}: rule '{id}' has no negative case");
        }
    }
}

#[test]
fn the_default_engine_names_every_pack_and_declares_its_labels() {
    let engine = toml_of("spanloom.toml");
    let mut named = BTreeSet::new();
    for source in engine["source"].as_array().expect("tables") {
        let source = source.as_table().expect("a table");
        if source["kind"].as_str() != Some("rules") {
            continue;
        }
        let mut declared = strings(&engine, "labels");
        declared.extend(strings(&engine, "helper-labels"));
        declared.extend(strings(source, "adds-labels"));
        for pack in strings(source, "files").into_iter().filter(|pack| pack != COMMON) {
            for rule in toml_of(&pack)["rule"].as_array().expect("tables") {
                let label = rule["label"].as_str().expect("a label").to_owned();
                assert!(declared.contains(&label), "{pack}: label {label} is not declared");
            }
            named.insert(pack);
        }
    }
    assert_eq!(named, packs().into_iter().collect(), "the packs in rules/ and in spanloom.toml");
}

#[test]
fn an_engine_of_rules_alone_runs() -> Result<()> {
    let engine = Engine::parse(
        "labels = ['EMAIL']\n[[source]]\nkind = 'rules'\nname = 'r'\n[[source.rule]]\n\
         id = 'mail'\ndoc = 'Mail.'\nlabel = 'EMAIL'\npattern = '\\S+@\\S+'\ncheck = 'email'\n\
         [[source.rule.case]]\ntext = 'a@b.org'\nfinds = ['a@b.org']\n\
         [[source.rule.case]]\ntext = 'a@b'\nfinds = []\n",
    )?;
    assert!(engine.check().is_empty());
    assert_eq!(engine.tag("ask ann@example.org now")?.len(), 1);
    Ok(())
}
