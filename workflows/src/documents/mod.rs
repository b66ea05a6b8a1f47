//! Documents: what an upload is, its pages, and the result made from them.
