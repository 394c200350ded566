//! Links the executable with packed relocations where the C library can read them.
//!
//! A position-independent executable of this size has two megabytes of relocations, which the loader reads at every
//! start and the idle daemon keeps resident. Packed they are some dozens of kilobytes. glibc reads that form from 2.36
//! on and an older one refuses to start the executable, so anything that is not known to be new enough is left alone.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo speaks to a build script by the environment"
    )]
    let said = |name: &str| std::env::var(name).unwrap_or_default();
    let native = said("TARGET") == said("HOST") && said("TARGET").ends_with("-linux-gnu");
    if native && glibc().is_some_and(|version| version >= (2, 36)) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Version of this machine's glibc, `glibc 2.36`.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    let minor = minor.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
