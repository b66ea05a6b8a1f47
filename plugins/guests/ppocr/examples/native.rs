//! dev only
#![allow(missing_docs, clippy::print_stdout)]

use ppocr::{Models, Network, Picture, Tensor};
use rten::{Model, ModelOptions, Value};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use untxt_plugin_sdk::Error;

struct Native {
    models: Vec<Model>,
    spent: [f64; 3],
}

impl Models for Native {
    fn compute(&mut self, network: Network, input: Tensor) -> Result<Tensor, Error> {
        let at = network as usize;
        let start = cpu();
        let shape: Vec<usize> = input.dimensions.iter().map(|d| *d as usize).collect();
        let shape: [usize; 4] = shape.try_into().unwrap();
        let data: Vec<f32> = input.data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let input = NdTensor::from_data(shape, data);
        let output = self.models[at].run_one(Value::from(input).into(), None).unwrap();
        let output: rten_tensor::Tensor<f32> = output.try_into().unwrap();
        let dimensions = output.shape().iter().map(|d| *d as u32).collect();
        let data = output.to_vec().into_iter().flat_map(f32::to_le_bytes).collect();
        self.spent[at] += cpu() - start;
        Ok(Tensor { dimensions, data })
    }
}

fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    stat.split_whitespace().skip(13).take(2).map(|t| t.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

fn ppm(path: &str) -> Picture {
    let bytes = std::fs::read(path).unwrap();
    let mut at = 0;
    let mut words = Vec::new();
    while words.len() < 4 {
        let end = at + bytes[at..].iter().position(u8::is_ascii_whitespace).unwrap();
        words.push(String::from_utf8(bytes[at..end].to_vec()).unwrap());
        at = end + 1;
    }
    Picture::new(words[1].parse().unwrap(), words[2].parse().unwrap(), bytes[at..].to_vec()).unwrap()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let assets = arguments.next().unwrap();
    let load = |name: &str| {
        ModelOptions::with_all_ops().prepack_weights(true).load_file(format!("{assets}/{name}.onnx")).unwrap()
    };
    let mut models =
        Native { models: vec![load("detect"), load("orient"), load("recognise")], spent: [0.0; 3] };
    let text = std::fs::read_to_string(format!("{assets}/characters.txt")).unwrap();
    let characters: Vec<char> = text.lines().map(|line| line.chars().next().unwrap()).collect();
    for path in arguments {
        models.spent = [0.0; 3];
        let page = ppm(&path);
        let start = cpu();
        let read = ppocr::read(&mut models, &characters, &page, |_| Ok(())).unwrap();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
        eprintln!("{path} {:.2} {:.2?} unread {} {peak}", cpu() - start, models.spent, read.unread);
        for line in read.paragraphs.iter().flatten() {
            for word in &line.words {
                let b = word.quad.bounds();
                println!("{path}\t{}\t{}\t{}\t{}\t{:.4}\t{}", b[0], b[1], b[2], b[3], word.confidence, word.text);
            }
            println!("{path}\t");
        }
        println!("{path}\t\t");
    }
}
