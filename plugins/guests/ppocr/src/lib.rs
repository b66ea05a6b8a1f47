//! `ppocr`: reads print in Latin, Chinese and Japanese script with PP-OCRv6, whose three
//! networks come with the engine as assets and are computed by the host.
//!
//! The map: `ppocr_reader` reads; `answer` brings what was read into the contract's form.

mod answer;

use untxt_plugin_sdk::inference::{self, Model, TensorType};
use untxt_plugin_sdk::{
    Description, Engine, Error, Options, Page, PageText, PixelFormat, Rect, assets, attributes, host,
    stop_if_cancelled,
};

use answer::answer;
use ppocr_reader::{Models, Network, Picture, Tensor, bad_model, read};

/// What is larger is scaled down, as RapidOCR does.
const SIDE_MAX: u32 = 2_000;

/// A4 is 1,754 pixels high at this resolution.
const PAGE_DPI: &str = "150";

/// Languages whose characters the recogniser knows.
const LANGUAGES: [&str; 32] = [
    "zh", "ja", "en", "de", "fr", "es", "it", "pt", "nl", "da", "sv", "nb", "nn", "fi", "is", "ga", "ca",
    "eu", "gl", "pl", "cs", "sk", "hu", "hr", "sl", "ro", "tr", "et", "lv", "lt", "sq", "el",
];

const CHARACTERS: &str = "characters";

struct PpOcr;

impl Engine for PpOcr {
    fn describe() -> Description {
        Description {
            languages: LANGUAGES.map(str::to_owned).into(),
            attributes: attributes([("page-dpi", PAGE_DPI), ("page-color", "rgb")]),
            ..Description::new("ppocr", env!("CARGO_PKG_VERSION"))
        }
    }

    fn recognize(page: &Page, _options: &Options) -> Result<PageText, Error> {
        let info = page.info();
        let whole = Rect { x: 0, y: 0, width: info.width, height: info.height };
        let bitmap = page.pixels(whole, PixelFormat::Rgb8, SIDE_MAX)?;
        let picture = Picture::new(bitmap.width as usize, bitmap.height as usize, bitmap.data)
            .ok_or_else(|| Error::permanent("bad-image", "a picture without pixels"))?;
        let characters = characters()?;
        let mut models = Host { models: [None, None, None] };
        let read = read(&mut models, &characters, &picture, |done| {
            host::progress(done, "lines");
            stop_if_cancelled()
        })?;
        Ok(answer(&read, bitmap.scale, info))
    }
}

/// The characters of the recogniser's classes, one in a line.
fn characters() -> Result<Vec<char>, Error> {
    let file = String::from_utf8(assets::read(CHARACTERS)?);
    let file = file.map_err(|error| bad_model(format!("the asset {CHARACTERS}: {error}")))?;
    Ok(file.lines().filter_map(|line| line.chars().next()).collect())
}

/// Networks as the host has them, by their places in [`Network`].
struct Host {
    models: [Option<Model>; 3],
}

impl Models for Host {
    fn compute(&mut self, network: Network, input: Tensor) -> Result<Tensor, Error> {
        let name = match network {
            Network::Detect => "detect",
            Network::Orient => "orient",
            Network::Recognise => "recognise",
        };
        let model = match &mut self.models[network as usize] {
            Some(model) => model,
            place => place.insert(Model::load(name)?),
        };
        let inputs = model.inputs();
        let [input_name] = &inputs[..] else {
            return Err(bad_model(format!("the asset {name} has {} inputs, not 1", inputs.len())));
        };
        let Tensor { dimensions, data } = input;
        let outputs =
            model.compute([(&**input_name, inference::Tensor { dimensions, ty: TensorType::Fp32, data })])?;
        match <[_; 1]>::try_from(outputs) {
            Ok([(_, inference::Tensor { dimensions, ty: TensorType::Fp32, data })]) => {
                Ok(Tensor { dimensions, data })
            }
            _ => Err(bad_model(format!(
                "the asset {name} answers with other than one tensor of 32-bit floats"
            ))),
        }
    }
}

untxt_plugin_sdk::export!(PpOcr);
