//! The tutorial does what it says: its commands are run in a copy of what they need, and what they print is
//! compared with the page. `SPANLOOM_BLESS=1` writes it anew.

use std::fs;
use std::path::Path;
use std::process::Command;

/// What the commands read, from the top of the repository.
const NEEDED: [&str; 5] = ["spanloom.toml", "gazetteers", "models", "rules", "examples/disease"];

const PAGE: &str = "docs/tutorial.md";

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}

/// Runs a command of the page as a shell does in `folder`, with our program in its path. Gives what it writes to
/// standard output and standard error, without white space at the ends of lines.
fn run(command: &str, folder: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_spanloom")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let ran = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(folder)
        .env("PATH", path)
        .env_remove("NO_COLOR")
        .env_remove("COLUMNS")
        .output()
        .unwrap();
    let printed = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{command}: {printed}");
    printed.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The page with what its commands print now. In a block `console` a line that begins with `$ ` is a command,
/// those with `> ` go on with it, and the others are what it printed.
fn page_as_run(page: &str, folder: &Path) -> String {
    let mut written = String::new();
    let mut lines = page.lines().peekable();
    let mut in_console = false;
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            in_console = line == "```console";
        }
        if let Some(first) = line.strip_prefix("$ ").filter(|_| in_console) {
            written.push_str(&format!("{line}\n"));
            let mut command = format!("{first}\n");
            while let Some(next) = lines.next_if(|next| *next == ">" || next.starts_with("> ")) {
                written.push_str(&format!("{next}\n"));
                command.push_str(&format!("{}\n", next.strip_prefix("> ").unwrap_or("")));
            }
            written.push_str(&run(&command, folder));
        } else if !in_console || line.starts_with("```") {
            written.push_str(&format!("{line}\n"));
        }
    }
    written
}

#[test]
#[cfg(unix)]
fn the_tutorial_prints_what_it_shows() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    for needed in NEEDED {
        copy(&repository.join(needed), &folder.path().join(needed));
    }
    let page = fs::read_to_string(repository.join(PAGE)).unwrap();
    let as_run = page_as_run(&page, folder.path());
    if std::env::var_os("SPANLOOM_BLESS").is_some_and(|value| value == "1") {
        fs::write(repository.join(PAGE), as_run).unwrap();
    } else {
        assert_same_lines(&page, &as_run);
    }
}

/// Fails with the first lines that differ.
fn assert_same_lines(page: &str, as_run: &str) {
    let differing =
        page.lines().zip(as_run.lines()).enumerate().find(|(_, (shown, printed))| shown != printed);
    if let Some((index, (shown, printed))) = differing {
        panic!(
            "{PAGE}:{}: the page shows\n  {shown}\nand the program prints\n  {printed}\n(SPANLOOM_BLESS=1 writes it anew)",
            index + 1
        );
    }
    assert_eq!(
        page.lines().count(),
        as_run.lines().count(),
        "{PAGE}: lines are missing at its end"
    );
}
