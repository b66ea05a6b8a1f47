//! Documents decoded by the real child process.

mod fields;
mod harness;
mod heifs;
mod hostile;
mod losses;
mod pdf_file;
mod pdfs;
mod pictures;
mod processes;
mod samples;
mod searchable;
mod text_layers;
mod tiff_file;
mod tiffs;
