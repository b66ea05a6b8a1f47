//! The trait of an engine, and what stands between it and the host.

use std::marker::PhantomData;
use std::panic;

use crate::bindings::exports::untxt::ocr::engine::Guest;
use crate::{Description, Error, Failure, Options, Page, PageText, host};

/// What an author writes.
pub trait Engine {
    /// What this engine is. Needs nothing; called at every load.
    fn describe() -> Description;

    /// Whether these options can be used.
    ///
    /// # Errors
    /// The failure that the client is told when not.
    fn check(_options: &Options) -> Result<(), Failure> {
        Ok(())
    }

    /// The text of one page.
    ///
    /// # Errors
    /// What kept the engine from reading it; see [`Error`] for what becomes of it.
    fn recognize(page: &Page, options: &Options) -> Result<PageText, Error>;
}

/// Stands between the host and `E`: sees that a panic's text reaches the host's
/// log, as after it the host learns no more than that the guest stopped.
pub struct Exported<E>(PhantomData<E>);

impl<E: Engine> Guest for Exported<E> {
    fn describe() -> Description {
        log_panics();
        E::describe()
    }

    fn check(options: Options) -> Result<(), Failure> {
        log_panics();
        E::check(&options)
    }

    fn recognize(page: &Page, options: Options) -> Result<PageText, Error> {
        log_panics();
        E::recognize(page, &options)
    }
}

pub(crate) fn log_panics() {
    panic::set_hook(Box::new(|info| host::log(host::Level::Error, &info.to_string())));
}
