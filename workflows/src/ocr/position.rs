//! Positions of the steps in the workflow.

/// Position of the step `ocr`.
pub(crate) const RECOGNIZE: u16 = 1;

/// Position of the step `upload-result`.
pub(crate) const UPLOAD_RESULT: u16 = 2;
