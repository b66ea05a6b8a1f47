//! The OCR product on top of the engine: documents, objects and the four steps.

pub mod documents;
pub mod objects;
