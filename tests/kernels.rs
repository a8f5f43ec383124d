//! Our CUDA kernels against their definitions, without a GPU: the very source is compiled for the processor, with a stand-in
//! for what it uses of CUDA (`tests/cuda/device.hpp`) and with sanitizers, so that a read beyond a matrix or beyond the shared
//! memory that was asked for fails too. What only a GPU shows, rates and its own rounding, this does not.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use candle_core::{Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What the kernels work on, and how far from exact the numbers that come out may be, relative to the larger of one and the
/// exact one: for 16 bits a little more than half of the last digit.
const NUMBERS: [(&str, f64); 3] = [("f32", 1e-5), ("f16", 6e-4), ("bf16", 4.2e-3)];
const WARPS: usize = 4;

/// The program that runs a kernel; `None` where there is no compiler.
fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<(tempfile::TempDir, PathBuf)>> = OnceLock::new();
    let built = PROGRAM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda");
        let out = tempfile::tempdir().unwrap();
        let program = out.path().join("run");
        let compiled = Command::new("c++")
            .args(["-std=c++20", "-O1", "-g", "-pthread", "-fsanitize=address,undefined"])
            .args(["-fno-sanitize-recover=all", "-Wno-unknown-pragmas", "-I"])
            .args([&folder, Path::new("-o"), &program, &folder.join("run.cpp")])
            .output();
        match compiled {
            Ok(output) => {
                let errors = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "the kernels do not compile:\n{errors}");
                Some((out, program))
            }
            Err(error) => {
                eprintln!("skipped: no C++ compiler is found as `c++` ({error})");
                None
            }
        }
    });
    built.as_ref().map(|(_, program)| program.as_path())
}

/// What a kernel makes of matrices that stand one after another in `given`; `None` where nothing runs it.
fn run(
    kernel: &str,
    numbers: &str,
    (grid, shared): ([usize; 2], usize),
    arguments: &[String],
    given: &[f32],
) -> Option<Vec<f64>> {
    let mut child = Command::new(program()?)
        .args([kernel, numbers])
        .args([grid[0], grid[1], shared].map(|number| number.to_string()))
        .args(arguments)
        .env("ASAN_OPTIONS", "detect_leaks=0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let bytes: Vec<u8> = given.iter().flat_map(|number| number.to_le_bytes()).collect();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{kernel} of {numbers}, {arguments:?}: {errors}");
    let floats = output.stdout.chunks_exact(4);
    Some(floats.map(|four| f32::from_le_bytes(four.try_into().unwrap()).into()).collect())
}

/// Numbers between -2 and 2 that every kind holds exactly.
fn random(count: usize, random: &mut ChaCha8Rng) -> Vec<f32> {
    (0..count).map(|_| random.random_range(-128i16..=128)).map(|k| f32::from(k) / 64.0).collect()
}

fn wide(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().copied().map(f64::from).collect()
}

#[track_caller]
fn assert_near(what: &str, got: &[f64], exact: &[f64], far: f64) {
    assert_eq!(got.len(), exact.len(), "{what}");
    for (at, (got, exact)) in got.iter().zip(exact).enumerate() {
        let difference = (got - exact).abs();
        // What is no number is not near either.
        let is_near = difference <= far * exact.abs().max(1.0);
        assert!(is_near, "{what}: {got} at {at}, expected {exact}");
    }
}

#[test]
fn bias_and_gelu_equal_their_definition() {
    let mut numbers = ChaCha8Rng::seed_from_u64(1);
    // Fewer threads than packs, and more.
    for (rows, width, blocks) in [(1, 8, 1), (7, 48, 2), (40, 64, 3)] {
        let (x, bias) = (random(rows * width, &mut numbers), random(width, &mut numbers));
        let rows_and_bias = x.chunks(width).flat_map(|row| row.iter().zip(&bias));
        let sums: Vec<f64> = rows_and_bias.map(|(x, bias)| f64::from(x + bias)).collect();
        let gelu = Tensor::new(sums, &Device::Cpu).and_then(|sums| sums.gelu_erf());
        let exact: Vec<f64> = gelu.and_then(|exact| exact.to_vec1()).unwrap();
        for (kind, far) in NUMBERS {
            let arguments = [rows, width].map(|number| number.to_string());
            let given = [&x[..], &bias].concat();
            let Some(got) = run("bias_gelu", kind, ([blocks, 1], 0), &arguments, &given) else {
                return;
            };
            assert_near(&format!("{rows} x {width} of {kind}"), &got, &exact, far);
        }
    }
}

#[test]
fn sum_and_norm_equal_their_definition() {
    let mut numbers = ChaCha8Rng::seed_from_u64(2);
    // Fewer packs than lanes, and more; the last block full and not.
    for (rows, width) in [(1, 8), (9, 48), (8, 384)] {
        let sizes = [rows * width, rows * width, 3 * width];
        let [x, residual, learnt] = sizes.map(|count| random(count, &mut numbers));
        let of_learnt = wide(&learnt);
        let (bias, norm) = of_learnt.split_at(width);
        let mut exact = Vec::new();
        for (x, residual) in wide(&x).chunks(width).zip(wide(&residual).chunks(width)) {
            let sums: Vec<f64> =
                x.iter().zip(residual).zip(bias).map(|((x, r), b)| x + r + b).collect();
            let mean = sums.iter().sum::<f64>() / width as f64;
            let square = |sum: &f64| (sum - mean).powi(2);
            let variance = sums.iter().map(square).sum::<f64>() / width as f64;
            let scale = (variance + 1e-12).sqrt();
            let (weights, shifts) = norm.split_at(width);
            let normal = sums.iter().zip(weights).zip(shifts);
            exact.extend(normal.map(|((sum, w), b)| (sum - mean) / scale * w + b));
        }
        for (kind, far) in NUMBERS {
            let arguments = [rows.to_string(), width.to_string(), "1e-12".to_owned()];
            let given = [&x[..], &residual, &learnt].concat();
            let blocks = ([rows.div_ceil(WARPS), 1], WARPS * width);
            let Some(got) = run("sum_norm", kind, blocks, &arguments, &given) else { return };
            assert_near(&format!("{rows} x {width} of {kind}"), &got, &exact, far);
        }
    }
}

/// What attention gathers, head by head, by its definition.
fn attended(projected: &[f64], lengths: &[usize], [heads, width]: [usize; 2]) -> Vec<f64> {
    let hidden = heads * width;
    let mut context = vec![0.0; projected.len() / 3];
    let mut first = 0;
    for length in lengths {
        let rows = first..first + length;
        let part = |row: usize, part: usize, head: usize| {
            &projected[row * 3 * hidden + part * hidden + head * width..][..width]
        };
        for (head, query) in (0..heads).flat_map(|head| rows.clone().map(move |row| (head, row))) {
            let dot = |key: usize| {
                part(query, 0, head).iter().zip(part(key, 1, head)).map(|(q, k)| q * k).sum::<f64>()
            };
            let weights: Vec<f64> = rows.clone().map(|key| dot(key).exp()).collect();
            let total: f64 = weights.iter().sum();
            let into = &mut context[query * hidden + head * width..][..width];
            for (key, weight) in rows.clone().zip(&weights) {
                let values = into.iter_mut().zip(part(key, 2, head));
                values.for_each(|(sum, value)| *sum += weight / total * value);
            }
        }
        first += length;
    }
    context
}

#[test]
fn attention_of_short_sequences_equals_its_definition() {
    let mut numbers = ChaCha8Rng::seed_from_u64(3);
    // Fewer keys than lanes, more, and as many as there may be; heads narrower than a warp, and as wide as two.
    let cases: [(&[usize], [usize; 2]); 3] =
        [(&[5, 4, 1], [3, 8]), (&[40, 33, 2], [2, 24]), (&[64, 1], [1, 64])];
    for (lengths, [heads, width]) in cases {
        let (rows, hidden): (usize, usize) = (lengths.iter().sum(), heads * width);
        let projected = random(rows * 3 * hidden, &mut numbers);
        let bias = random(3 * hidden, &mut numbers);
        let sums = projected.chunks(3 * hidden).flat_map(|row| row.iter().zip(&bias));
        let sums: Vec<f64> = sums.map(|(x, bias)| f64::from(x + bias)).collect();
        let exact = attended(&sums, lengths, [heads, width]);
        let longest = lengths[0];
        let room = longest * (2 * width + 1) + WARPS * (width + longest);
        let arguments = [&[heads, width, longest], lengths].concat();
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        for (kind, far) in NUMBERS {
            let (grid, given) = ([lengths.len(), heads], [&projected[..], &bias].concat());
            let Some(got) = run("attention", kind, (grid, room), &arguments, &given) else {
                return;
            };
            assert_near(&format!("{lengths:?} of {kind}"), &got, &exact, far);
        }
    }
}
