//! The encoder of a model on any device, in sub-words a second. `benches/gpu.sh` runs it beside its peers:
//!
//!     device FOLDER SEQUENCES DEVICE PRECISION TOKENS SECONDS
//!
//! SEQUENCES is a JSON list of lists of sub-words; they go in batches of at most TOKENS with their padding, which are on the
//! device before the clock starts. First the states of the first batch are compared with those of the processor in
//! 32 bits. Writes one JSON object: `sub_words` and `batches` of one round over all, the `seconds` of each round
//! (rounds go on until SECONDS are over, after one that warms up), and the `difference` and the `largest` of the
//! states.

use std::path::{Path, PathBuf};
use std::time::Instant;

use candle_core::{Device, Tensor};
use spanloom::resource::Files;
use spanloom::source::model::arch::{Encoder, Precision, architecture};
use spanloom::source::model::batch::Batch;
use spanloom::source::model::weights::Weights;
use spanloom::source::model::{DeviceChoice, Mode};

mod batches;

use batches::batches;

/// The encoder of a folder, on a device and in a precision.
fn encoder(folder: &Path, device: &Device, precision: Precision) -> Box<dyn Encoder> {
    let files = Files::Folder(folder.to_owned());
    let config = std::fs::read_to_string(folder.join("config.json")).expect("the configuration");
    let keys: serde_json::Value = serde_json::from_str(&config).expect("JSON");
    let name = keys["model_type"].as_str().expect("a model type");
    let weights = Weights::load(&files, ".", device).expect("the weights");
    let weights = weights.with_precision(precision);
    (architecture(name, "config.json").expect("known").load)(&config, &weights).expect("an encoder")
}

/// The largest difference of the states of two encoders over a batch of each, padding left out, and the largest
/// state.
fn difference(ours: (&dyn Encoder, &Batch), exact: (&dyn Encoder, &Batch)) -> (f32, f32) {
    let [ours, states] = [ours, exact].map(|(encoder, batch)| {
        let states = encoder.encode(batch, Mode::Inference).expect("states");
        states.to_device(&Device::Cpu).and_then(|states| states.to_vec3::<f32>()).expect("numbers")
    });
    let (mut most, mut largest) = (0f32, 0f32);
    for ((ours, states), length) in ours.iter().zip(&states).zip(&exact.1.lengths) {
        let pairs = ours[..*length].iter().flatten().zip(states[..*length].iter().flatten());
        for (ours, exact) in pairs {
            // NaN counts as a difference too.
            let far = (ours - exact).abs();
            most = if far.is_nan() { f32::INFINITY } else { most.max(far) };
            largest = largest.max(exact.abs());
        }
    }
    (most, largest)
}

#[allow(clippy::print_stdout, reason = "the rate is what is asked for")]
fn main() {
    let given: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [folder, sequences, device, precision, tokens, seconds] = &given[..] else {
        println!("device FOLDER SEQUENCES DEVICE PRECISION TOKENS SECONDS, see benches/gpu.sh");
        return;
    };
    let folder = PathBuf::from(folder);
    let device = device.parse::<DeviceChoice>().and_then(DeviceChoice::open).expect("a device");
    let precision = match &**precision {
        "f32" => Precision::F32,
        "bf16" => Precision::Bf16,
        "f16" => Precision::F16,
        other => panic!("precision {other}, expected f32, bf16 or f16"),
    };
    let (tokens, seconds): (usize, f64) =
        (tokens.parse().expect("a number"), seconds.parse().expect("a number"));
    let sequences = std::fs::read_to_string(sequences).expect("the sequences");
    let sequences: Vec<Vec<u32>> = serde_json::from_str(&sequences).expect("lists of sub-words");

    let ours = encoder(&folder, &device, precision);
    let on_device = batches(&sequences, tokens, &device);
    let (difference, largest) = {
        let exact = encoder(&folder, &Device::Cpu, Precision::F32);
        let some: Vec<Vec<u32>> = sequences.iter().take(64).cloned().collect();
        let [of_ours, of_exact] =
            [&device, &Device::Cpu].map(|device| batches(&some, usize::MAX, device).remove(0));
        difference((ours.as_ref(), &of_ours), (exact.as_ref(), &of_exact))
    };

    let round = || {
        let begin = Instant::now();
        let encode = |batch: &Batch| ours.encode(batch, Mode::Inference).expect("states");
        on_device.iter().map(encode).for_each(|states: Tensor| drop(states));
        device.synchronize().expect("the device goes on");
        begin.elapsed().as_secs_f64()
    };
    round();
    let (begin, mut rounds) = (Instant::now(), Vec::new());
    while rounds.is_empty() || begin.elapsed().as_secs_f64() < seconds {
        rounds.push(round());
    }
    let sub_words: usize = sequences.iter().map(Vec::len).sum();
    let report = serde_json::json!({
        "sub_words": sub_words, "batches": on_device.len(), "seconds": rounds,
        "difference": difference, "largest": largest,
    });
    println!("{report}");
}
