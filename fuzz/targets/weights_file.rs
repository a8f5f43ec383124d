//! The file of a model's weights. The first byte of the input chooses what is in it: tensors of safetensors, of PyTorch (an
//! archive or a stream of pickles) or of GGUF; the rest is the file.

#![no_main]

use candle_core::Device;
use libfuzzer_sys::fuzz_target;
use spanloom::resource::Files;
use spanloom::source::model::weights::Weights;

const NAMES: [&str; 3] = ["model.safetensors", "pytorch_model.bin", "model.gguf"];

fuzz_target!(|bytes: &[u8]| {
    let [name, file @ ..] = bytes else { return };
    let name = NAMES[usize::from(*name) % NAMES.len()];
    let (folder, files) = (name.replace('.', "-"), spanloom_fuzz::files());
    spanloom_fuzz::write(&format!("{folder}/{name}"), file);
    match Weights::load(&Files::Folder(files), &folder, &Device::Cpu) {
        Ok(weights) => {
            for tensor in weights.into_parts().0.values() {
                let numbers = tensor.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
                assert_eq!(numbers.expect("numbers of 32 bits").len(), tensor.elem_count());
            }
        }
        Err(error) => spanloom_fuzz::render(&error),
    }
});
