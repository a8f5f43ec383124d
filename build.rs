//! Lists the files of the default engine, for `src/pipeline/builtin.rs` to put into the binary; with the feature `cuda`
//! compiles our kernels for `src/source/model/arch/packed/device/fused.rs`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What the default engine may name, besides `spanloom.toml` itself.
const FOLDERS: &[&str] = &["gazetteers", "rules", "models/en"];
const SUFFIXES: &[&str] = &["toml", "tsv", "txt", "json", "gguf"];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets the root"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets the output folder"));
    let mut files = vec![root.join("spanloom.toml")];
    println!("cargo:rerun-if-changed=spanloom.toml");
    for folder in FOLDERS {
        println!("cargo:rerun-if-changed={folder}");
        collect(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut code = String::from("static BUILTIN: &[BuiltinFile] = &[\n");
    for file in &files {
        let name = file.strip_prefix(&root).expect("collected below the root");
        let name = name.to_string_lossy().replace('\\', "/");
        writeln!(code, "    BuiltinFile {{ path: {name:?}, bytes: include_bytes!({file:?}) }},")
            .expect("a string takes everything");
    }
    code.push_str("];\n");
    fs::write(out.join("builtin.rs"), code)?;
    #[cfg(feature = "cuda")]
    kernels(&out.join("kernels.rs"));
    Ok(())
}

/// Compiles the kernels to PTX, as candle does its own (the same variables name compiler and GPU), and writes a file of
/// constants that hold it.
#[cfg(feature = "cuda")]
fn kernels(constants: &Path) {
    let kernels = cudaforge::KernelBuilder::new()
        .source_files(["src/source/model/arch/packed/device/fused.cu"])
        .arg("-O3")
        .arg("-std=c++17")
        .build_ptx();
    kernels.and_then(|ptx| ptx.write(constants)).expect("nvcc compiles the kernels");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| SUFFIXES.iter().any(|s| e == *s)) {
            files.push(path);
        }
    }
    Ok(())
}
