//! Data flows one way: which module may use which, read from the sources themselves. Also how long a
//! file may be. What modules are for is in `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may use, besides itself; a path allows what lies below it. `cli` may use
/// everything and nothing uses `cli`; `lib.rs` and `main.rs` are bound by nothing.
const ALLOWED: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("ahead", &[]),
    ("cache", &[]),
    ("profile", &[]),
    ("resource", &["error"]),
    ("text", &["error", "profile"]),
    ("span", &["error", "text"]),
    ("eval", &["error", "text", "span"]),
    ("rule", &["error", "resource", "text", "span"]),
    ("source", &["error", "cache", "profile", "resource", "text", "span", "rule"]),
    ("merge", &["error", "resource", "text", "span", "rule"]),
    ("io", &["error", "resource::OptionDoc", "text", "span"]),
    ("train", &["error", "resource", "text", "span", "eval", "source", "io"]),
    (
        "pipeline",
        &["error", "cache", "profile", "resource", "text", "span", "rule", "source", "merge"],
    ),
    ("job", &["error", "ahead", "profile", "resource", "text", "span", "io", "pipeline"]),
    ("tune", &["error", "resource", "text", "span", "eval", "merge", "pipeline"]),
    (
        "cli",
        &[
            "error", "ahead", "cache", "profile", "resource", "text", "span", "eval", "rule",
            "source", "merge", "io", "train", "pipeline", "job", "tune",
        ],
    ),
];

/// Modules whose children never use each other.
const STRANGERS: &[(&str, &[&str])] = &[("source", &["gazetteer", "rules", "model"])];

/// A longer file should become two.
const MOST_LINES: usize = 600;

/// A path as the segments of its names, without `crate`.
type Names = Vec<String>;

/// A source file: where it is, the module it is, and its code without comments, literals and tests.
struct Source {
    file: PathBuf,
    module: Names,
    tokens: Vec<String>,
}

#[test]
fn modules_use_only_what_lies_below_them() {
    let reexports = reexports();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|s| !s.module.is_empty()) {
        let own = &source.module[0];
        let Some((_, allowed)) = ALLOWED.iter().find(|(module, _)| module == own) else {
            wrong.push(format!("{}: module '{own}' is not in ALLOWED", source.file.display()));
            continue;
        };
        for path in source.paths(&reexports) {
            let used = path.join("::");
            let below = |entry: &&str| {
                used == **entry || used.strip_prefix(*entry).is_some_and(|r| r.starts_with("::"))
            };
            if path[0] != *own && !allowed.iter().any(below) {
                wrong.push(format!(
                    "{} uses {used}, but '{own}' may only use: {}",
                    source.file.display(),
                    if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") }
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "broken layers:\n{}", wrong.join("\n"));
}

#[test]
fn children_that_are_strangers_do_not_use_each_other() {
    let reexports = reexports();
    let mut wrong = Vec::new();
    for (parent, children) in STRANGERS {
        for source in sources() {
            let [first, own, ..] = &source.module[..] else { continue };
            if first != parent || !children.contains(&own.as_str()) {
                continue;
            }
            for path in source.paths(&reexports) {
                let child = path.get(1).filter(|_| path[0] == *parent);
                if child.is_some_and(|c| c != own && children.contains(&c.as_str())) {
                    let file = source.file.display();
                    wrong.push(format!("{file} uses {}, a sibling of its own", path.join("::")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "broken layers:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_its_row() {
    let modules: BTreeSet<String> =
        sources().into_iter().filter_map(|s| s.module.first().cloned()).collect();
    let rows: BTreeSet<String> = ALLOWED.iter().map(|(module, _)| (*module).to_owned()).collect();
    assert_eq!(modules, rows, "the modules of src/ and the rows of ALLOWED differ");
    for (module, allowed) in ALLOWED {
        for entry in *allowed {
            let used = entry.split("::").next().unwrap_or(entry);
            let place = |name| ALLOWED.iter().position(|(module, _)| *module == name);
            assert!(place(used) < place(module), "{module} may use {used}: not one way");
        }
    }
}

#[test]
fn no_file_is_too_long() {
    let mut wrong = Vec::new();
    for file in rust_files() {
        let lines = read(&file).lines().count();
        if lines > MOST_LINES {
            wrong.push(format!("{} has {lines} lines, at most {MOST_LINES}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "files to split:\n{}", wrong.join("\n"));
}

#[test]
fn paths_are_found_in_groups_and_only_in_code() {
    let code = r##"
        //! [`crate::cli`]
        use crate::error::{self, Error};
        use crate::{span::{order, Label}, text::Span as S};
        use super::super::io::*;
        /* crate::a */ /* /* nested */ crate::b */
        fn f<'a>(c: &'a char) -> crate::Result<()> {
            let s = "crate::c \" crate::d"; let r = r#"crate::e "quoted" crate::f"#;
            matches!(c, '"' | '\'' | '{'); super::g()
        }
        #[cfg(test)]
        mod tests { use crate::pipeline::Engine; fn g() { {} } }
        pub(crate) use crate::merge::Pass;
    "##;
    let module = ["source", "rules", "limit"].map(str::to_owned).to_vec();
    let tokens = without_tests(tokens(code)).0;
    let source = Source { file: "x.rs".into(), module, tokens };
    let reexports = BTreeMap::from([("Result".to_owned(), "error".to_owned())]);
    let paths: Vec<String> = source.paths(&reexports).iter().map(|p| p.join("::")).collect();
    let expected = [
        "error::self",
        "error::Error",
        "span::order",
        "span::Label",
        "text::Span",
        "source::io",
        "error::Result",
        "source::rules::g",
        "merge::Pass",
    ];
    assert_eq!(paths, expected);
}

impl Source {
    /// All paths in it that begin with `crate` or `super`, from the root of the crate; what `lib.rs`
    /// re-exports is named by its module.
    fn paths(&self, reexports: &BTreeMap<String, String>) -> Vec<Names> {
        let mut paths = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            let begins = matches!(token.as_str(), "crate" | "super")
                && self.tokens.get(at + 1).is_some_and(|next| next == "::")
                && (at == 0 || self.tokens[at - 1] != "::");
            if begins {
                tree(&self.tokens, at, self.module.clone(), &mut paths);
            }
        }
        paths.retain(|path| !path.is_empty());
        for path in &mut paths {
            if let Some(module) = reexports.get(&path[0]) {
                path.insert(0, module.clone());
            }
        }
        paths
    }
}

/// Reads the path or group of paths at the token `at`, inside `module`; gives the token after it.
fn tree(tokens: &[String], mut at: usize, mut module: Names, paths: &mut Vec<Names>) -> usize {
    loop {
        match tokens.get(at).map(String::as_str) {
            Some("crate") => module.clear(),
            Some("super") => drop(module.pop()),
            Some("{") => {
                at += 1;
                while tokens.get(at).is_some_and(|t| t != "}") {
                    at = tree(tokens, at, module.clone(), paths).max(at + 1);
                    // A new name or a comma.
                    while tokens.get(at).is_some_and(|t| t != "}" && t != ",") {
                        at += 1;
                    }
                    at += usize::from(tokens.get(at).is_some_and(|t| t == ","));
                }
                return at + 1;
            }
            Some(name) if is_name(name) => module.push(name.to_owned()),
            _ => {
                paths.push(module);
                return at;
            }
        }
        if tokens.get(at + 1).is_none_or(|next| next != "::") {
            paths.push(module);
            return at + 1;
        }
        at += 2;
    }
}

/// What `lib.rs` re-exports, and the module it comes from.
fn reexports() -> BTreeMap<String, String> {
    let tokens = tokens(&read(&root().join("lib.rs")));
    let mut paths = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token == "use" {
            tree(&tokens, at + 1, Vec::new(), &mut paths);
        }
    }
    paths.into_iter().filter_map(|p| Some((p.last()?.clone(), p.first()?.clone()))).collect()
}

/// All files of `src/`, without `main.rs` and those that are only compiled for tests.
fn sources() -> Vec<Source> {
    let root = root();
    let mut test_files = Vec::new();
    let mut sources = Vec::new();
    for file in rust_files() {
        let relative = file.strip_prefix(&root).expect("found below src").with_extension("");
        let mut module: Names =
            relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if module == ["main"] {
            continue;
        }
        if module.last().is_some_and(|last| last == "mod" || last == "lib") {
            module.pop();
        }
        let (tokens, test_modules) = without_tests(tokens(&read(&file)));
        for name in test_modules {
            let mut test_module = module.clone();
            test_module.push(name);
            test_files.push(test_module);
        }
        let file = Path::new("src").join(file.strip_prefix(&root).expect("found below src"));
        sources.push(Source { file, module, tokens });
    }
    sources.retain(|source| !test_files.iter().any(|test| source.module.starts_with(test)));
    sources
}

/// The code without items that are `#[cfg(test)]`, and the names of such modules in other files.
fn without_tests(tokens: Vec<String>) -> (Vec<String>, Vec<String>) {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut modules) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..].iter().take(MARK.len()).eq(MARK) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += MARK.len();
        let mut depth = 0;
        while at < tokens.len() {
            match tokens[at].as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            at += 1;
            let ended = matches!(tokens[at - 1].as_str(), "}" | ";") && depth == 0;
            if ended {
                if tokens[at - 1] == ";" && tokens[at - 3] == "mod" {
                    modules.push(tokens[at - 2].clone());
                }
                break;
            }
        }
    }
    (kept, modules)
}

/// The names and marks of Rust code; `::` is one mark. Comments and literals are left out.
fn tokens(code: &str) -> Vec<String> {
    let code: Vec<char> = code.chars().collect();
    let is =
        |at: usize, text: &str| text.chars().enumerate().all(|(i, c)| code.get(at + i) == Some(&c));
    let find = |from: usize, text: &str| (from..code.len()).find(|&at| is(at, text));
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let c = code[at];
        if is(at, "//") {
            at = find(at, "\n").unwrap_or(code.len());
        } else if is(at, "/*") {
            let mut depth = 0;
            loop {
                let change = i32::from(is(at, "/*")) - i32::from(is(at, "*/"));
                depth += change;
                at += if change == 0 { 1 } else { 2 };
                if depth == 0 || at >= code.len() {
                    break;
                }
            }
        } else if is(at, "r\"") || is(at, "r#") {
            let quote = find(at, "\"").unwrap_or(at);
            let end = format!("\"{}", "#".repeat(quote - at - 1));
            at = find(quote + 1, &end).map_or(code.len(), |last| last + end.len());
        } else if c == '"' || (c == '\'' && (is(at + 1, "\\") || is(at + 2, "'"))) {
            at += 1;
            while at < code.len() && code[at] != c {
                at += if code[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if c.is_alphanumeric() || c == '_' {
            let name: String =
                code[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
            at += name.chars().count();
            tokens.push(name);
        } else if is(at, "::") {
            tokens.push("::".to_owned());
            at += 2;
        } else {
            tokens.extend((!c.is_whitespace()).then(|| c.to_string()));
            at += 1;
        }
    }
    tokens
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All Rust files of `src/`, sorted.
fn rust_files() -> Vec<PathBuf> {
    let mut folders = vec![root()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}
