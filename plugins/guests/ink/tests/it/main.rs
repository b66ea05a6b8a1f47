//! Pages drawn by hand, and what is found on them.

mod odd;
mod page;
mod print;
mod scan;
