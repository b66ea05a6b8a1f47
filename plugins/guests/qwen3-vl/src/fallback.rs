//! What a page says when the model can't: the text that it carries, else what is
//! left of the answer. It says that it is no more than that.

use untxt_plugin_sdk::{Block, Page, PageText, attributes};

pub(crate) fn answer(page: &Page, left: Option<Vec<Block>>, code: &str) -> Option<PageText> {
    let layer = page.text_layer();
    let (blocks, source) = if layer.is_empty() {
        (left.filter(|blocks| !blocks.is_empty())?, "partial-answer")
    } else {
        (vec![Block::paragraph(None, layer)], "text-layer")
    };
    Some(PageText {
        attributes: attributes([
            ("confidence-kind", "none"),
            ("finish-reason", code),
            ("fallback", "true"),
            ("text-source", source),
        ]),
        ..PageText::simple(blocks)
    })
}
