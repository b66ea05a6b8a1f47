//! Tests of documents, objects and migrations through the public API.

mod documents;
mod migrations;
mod objects;
