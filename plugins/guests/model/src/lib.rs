//! A guest that has the host compute a model: `model` names one, `elements` and
//! `dimensions` are its input of 64 bits, and without them its input is the page. The
//! answer is what the model puts out.

use serde::Deserialize;
use untxt_plugin_sdk::inference::{Model, Tensor, TensorType};
use untxt_plugin_sdk::{
    Block, Description, Engine, Error, Line, Options, Page, PageText, Word, luma8, settings,
};

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    model: String,
    /// Models that are loaded before, in this order.
    others: Vec<String>,
    /// Name of the input; that of the model where absent.
    input: Option<String>,
    elements: Option<Vec<i64>>,
    dimensions: Vec<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        let model = "darkness.onnx".to_owned();
        Self { model, others: Vec::new(), input: None, elements: None, dimensions: Vec::new() }
    }
}

struct Models;

impl Engine for Models {
    fn describe() -> Description {
        Description {
            settings_schema: r#"{"type":"object"}"#.to_owned(),
            ..Description::new("model", env!("CARGO_PKG_VERSION"))
        }
    }

    fn recognize(page: &Page, options: &Options) -> Result<PageText, Error> {
        let Settings { model, others, input, elements, dimensions } = settings(options)?;
        for other in others {
            Model::load(&other)?;
        }
        let model = Model::load(&model)?;
        let tensor = match elements {
            Some(elements) => Tensor::i64(&dimensions, &elements),
            None => picture(page)?,
        };
        let input = input.unwrap_or_else(|| model.inputs().concat());
        let mut words = Vec::new();
        for (name, output) in model.compute([(input.as_str(), tensor)])? {
            words.push(Word::new(format!("{name}:"), None));
            words.extend(texts(&output)?.into_iter().take(10).map(|text| Word::new(text, None)));
        }
        Ok(PageText::simple(vec![Block::paragraph(None, vec![Line { bounds: None, words }])]))
    }
}

fn picture(page: &Page) -> Result<Tensor, Error> {
    let bitmap = luma8(page, 1_000)?;
    let darkness: Vec<f32> = bitmap.data.iter().map(|value| 1.0 - f32::from(*value) / 255.0).collect();
    Ok(Tensor::f32(&[1, 1, bitmap.height, bitmap.width], &darkness))
}

fn texts(output: &Tensor) -> Result<Vec<String>, Error> {
    Ok(match output.ty {
        TensorType::I32 => output.to_i32()?.iter().map(ToString::to_string).collect(),
        _ => output.to_f32()?.iter().map(|element| format!("{element:.4}")).collect(),
    })
}

untxt_plugin_sdk::export!(Models);
