//! The child that computes models as a program of its own, for the tests of this
//! crate. The product's binary carries the same code as a hidden command.

fn main() -> std::process::ExitCode {
    untxt_plugins::inference::child::main()
}
