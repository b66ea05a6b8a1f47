//! The sandbox as a caller sees it, with the guests in `plugins/guests/built`.

mod artefacts;
mod compiled;
mod directory;
mod misbehaving;
mod places;
mod rig;
mod simulated;
mod stopping;
