//! What documents and objects do, seen from outside.

mod documents;
mod objects;
