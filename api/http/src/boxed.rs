//! Boxes the future of a handler: `#[handler] #[boxed] async fn …`.
//!
//! What `#[handler]` makes has to be `Send`, which the compiler proves from the
//! handler's future down to the last field of the database pool and the sandbox,
//! 5,000 proofs, and for each handler anew, because lifetimes of its own bound the
//! proof. A box says that it is `Send`; what is in it is proven once for all
//! handlers. Without it, this crate takes three times as long to compile.

// It was made so that an async function can call itself, and boxes for that.
pub(crate) use async_recursion::async_recursion as boxed;
