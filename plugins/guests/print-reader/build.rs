//! Halves the weights. They are trained and kept in 32 bits; 16 are enough to read
//! with, and make the component smaller by a third.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use rten_onnx::onnx::{DataType, ModelProto};
use rten_simd::f16;

const WEIGHTS: &str = "../../reader/model/reader.onnx";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={WEIGHTS}");
    let mut model = ModelProto::parse_buf(&fs::read(WEIGHTS)?)?;
    let tensors = model.graph.iter_mut().flat_map(|graph| &mut graph.initializer);
    for tensor in tensors.filter(|tensor| tensor.data_type == Some(DataType::FLOAT)) {
        let Some(bytes) = &tensor.raw_data else { continue };
        let halves = bytes.borrow().chunks_exact(4).flat_map(halved).collect();
        bytes.replace(halves);
        tensor.data_type = Some(DataType::FLOAT16);
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("reader.onnx"), model.write_buf()?)?;
    Ok(())
}

fn halved(bytes: &[u8]) -> [u8; 2] {
    let number = bytes.iter().rev().fold(0, |bits, byte| bits << 8 | u32::from(*byte));
    f16::from_f32(f32::from_bits(number)).to_bits().to_le_bytes()
}
