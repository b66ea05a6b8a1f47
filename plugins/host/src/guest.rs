//! An instance of an engine, and which of its functions recognises pages.

use wasmtime::component::{InstancePre, Resource};
use wasmtime::{Result, Store};

use crate::call::Call;
use crate::contract::untxt::ocr::types::{self, Error, Options};
use crate::contract::{OcrEngine, OcrEnginePre, PageHandle};
use layout_engine::{GuestIndices, Layout};

wasmtime::component::bindgen!({
    path: "../wit/untxt-ocr@0.1.0",
    inline: "
        package untxt:host;
        world with-layout { export untxt:ocr/layout-engine@0.1.0; }
    ",
    world: "untxt:host/with-layout",
    imports: { default: trappable },
    exports: { default: async },
    with: {
        "untxt:ocr/types": crate::contract::untxt::ocr::types,
        "untxt:ocr/pages": crate::contract::untxt::ocr::pages,
    },
});

pub(crate) use exports::untxt::ocr::layout_engine;

/// What instances are made from.
#[derive(Clone)]
pub(crate) struct GuestPre {
    engine: OcrEnginePre<Call>,
    /// Of engines that export `layout-engine`.
    layout: Option<GuestIndices>,
}

/// An instance.
pub(crate) struct Guest {
    pub(crate) engine: OcrEngine,
    layout: Option<layout_engine::Guest>,
}

impl GuestPre {
    /// # Errors
    /// What the component lacks.
    pub(crate) fn new(pre: InstancePre<Call>) -> Result<Self> {
        let exports = pre.component().get_export_index(None, "untxt:ocr/layout-engine@0.1.0");
        let layout = exports.map(|_| GuestIndices::new(&pre)).transpose()?;
        Ok(Self { engine: OcrEnginePre::new(pre)?, layout })
    }

    /// Whether its engine answers with the layout of pages.
    pub(crate) fn has_layout(&self) -> bool {
        self.layout.is_some()
    }

    /// The same as hosts see it that know no layouts.
    pub(crate) fn without_layout(self) -> Self {
        Self { layout: None, ..self }
    }

    /// A fresh instance.
    ///
    /// # Errors
    /// When there is no place for one, it traps as it starts, or an export has another
    /// type.
    pub(crate) async fn instantiate(&self, store: &mut Store<Call>) -> Result<Guest> {
        let instance = self.engine.instance_pre().instantiate_async(&mut *store).await?;
        let layout = self.layout.as_ref().map(|layout| layout.load(&mut *store, &instance)).transpose()?;
        Ok(Guest { engine: OcrEngine::new(&mut *store, &instance)?, layout })
    }
}

impl Guest {
    /// Recognises a page: through `recognize-layout` if the engine has it.
    ///
    /// # Errors
    /// Outer: traps and stops. Inner: the engine's own.
    pub(crate) async fn recognize(
        &self,
        store: &mut Store<Call>,
        page: Resource<PageHandle>,
        options: &Options,
    ) -> Result<Result<Layout, Error>> {
        match &self.layout {
            Some(layout) => layout.call_recognize_layout(store, page, options).await,
            None => {
                let answer = self.engine.untxt_ocr_engine().call_recognize(store, page, options).await?;
                Ok(answer.map(Layout::from))
            }
        }
    }
}

impl From<types::PageText> for Layout {
    fn from(text: types::PageText) -> Self {
        Self {
            blocks: text.blocks.into_iter().map(Into::into).collect(),
            html: text.html,
            language: text.language,
            confidence: text.confidence,
            attributes: text.attributes,
        }
    }
}

impl From<types::Block> for layout_engine::Block {
    fn from(block: types::Block) -> Self {
        Self {
            role: block.role,
            bounds: block.bounds,
            corners: None,
            lines: block.lines.into_iter().map(Into::into).collect(),
            table: None,
            attributes: block.attributes,
        }
    }
}

impl From<types::Line> for layout_engine::Line {
    fn from(line: types::Line) -> Self {
        let words = line.words.into_iter().map(Into::into).collect();
        Self { bounds: line.bounds, corners: None, words }
    }
}

impl From<types::Word> for layout_engine::Word {
    fn from(word: types::Word) -> Self {
        Self {
            text: word.text,
            bounds: word.bounds,
            corners: None,
            confidence: word.confidence,
            alternatives: Vec::new(),
        }
    }
}
