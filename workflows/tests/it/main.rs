//! What documents and objects do, seen from outside.

mod objects;
