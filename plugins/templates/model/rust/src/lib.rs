//! Has the host compute a model: how much of the page is ink. Replace the model, and
//! what `recognize` makes of its outputs.

use untxt_plugin_sdk::inference::{Model, Tensor};
use untxt_plugin_sdk::{
    Block, Description, Engine, Error, Line, Options, Page, PageText, Word, luma8, stop_if_cancelled,
};

struct NewEngine;

impl Engine for NewEngine {
    fn describe() -> Description {
        Description::new("NAME", env!("CARGO_PKG_VERSION"))
    }

    fn recognize(page: &Page, _options: &Options) -> Result<PageText, Error> {
        let bitmap = luma8(page, 1_000)?;
        let darkness: Vec<f32> = bitmap.data.iter().map(|value| 1.0 - f32::from(*value) / 255.0).collect();
        stop_if_cancelled()?;
        let model = Model::load("model.onnx")?;
        let image = Tensor::f32(&[1, 1, bitmap.height, bitmap.width], &darkness);
        let outputs = model.compute([("image", image)])?;
        let mean = match &outputs[..] {
            [(_, output)] => output.to_f32()?.iter().sum::<f32>(),
            _ => return Err(Error::permanent("bad-model", "the model has no single output")),
        };
        let words = vec![Word::new("ink:", None), Word::new(format!("{:.0}%", mean * 100.0), None)];
        Ok(PageText::simple(vec![Block::paragraph(None, vec![Line { bounds: None, words }])]))
    }
}

untxt_plugin_sdk::export!(NewEngine);
