//! The sandbox as a caller sees it, with the guests in `plugins/guests/built`.

mod artefacts;
mod compiled;
mod conformance;
mod contract;
mod directory;
mod egress;
mod fetched;
mod layout;
mod misbehaving;
mod models;
mod outcomes;
mod places;
mod ppocr;
mod qwen;
mod reader;
mod rig;
mod server;
mod signed;
mod simulated;
mod stopping;
mod tls;
mod versions;
