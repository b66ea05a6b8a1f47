//! Reads printed lines of Latin script with a small network, and pages of them.
//! It never makes up text: what it is not sure of is left out.
//!
//! The map: `network` (a line's pixels to probabilities), `facts` (what goes with
//! the weights), `decode` (probabilities to letters), `words` (letters to words,
//! and their boxes), `line` (all of that for one line), `turn` (which way up a
//! page is), `page` (all lines of it).

mod decode;
mod facts;
mod line;
mod network;
mod page;
mod turn;
mod words;

pub use page::{Corners, Line, PageText, Unread, Word, read};

use facts::Facts;
use network::Network;

/// The network and what goes with its weights.
pub struct Reader {
    network: Network,
    facts: Facts,
}

impl Reader {
    /// The reader of weights in the ONNX format and of the facts beside them in
    /// JSON.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn new(weights: &'static [u8], facts: &str) -> Result<Self, String> {
        let facts = Facts::parse(facts)?;
        let network = Network::load(weights, facts.characters.len() + 1)?;
        Ok(Self { network, facts })
    }

    /// The reader that is built in; its weights have 16 bits.
    ///
    /// # Errors
    /// What is wrong with its files.
    pub fn built_in() -> Result<Self, String> {
        Self::new(
            include_bytes!(concat!(env!("OUT_DIR"), "/reader.onnx")),
            include_str!("../../../reader/model/reader.json"),
        )
    }
}
