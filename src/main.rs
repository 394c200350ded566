//! The doorway: parse the command line, run it, leave with its exit code.

fn main() -> std::process::ExitCode {
    msoko::cli::main()
}
