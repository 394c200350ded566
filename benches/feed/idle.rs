//! The daemon with nothing to do: time until it reports readiness, resident size, processor time.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Longer than idle readers of the warehouse stay open.
const QUIET: Duration = Duration::from_secs(40);

/// Starts the service of an authority twice, first with a new warehouse, and watches it do nothing.
pub(super) fn watch(config: &Path) {
    let dir = config.parent().expect("a folder");
    let socket = dir.join("notify");
    let notify = UnixDatagram::bind(&socket).expect("bound");
    println!("\nidle daemon                ready, s   resident, KiB   processor, ms a second");
    for turn in ["a new warehouse", "a warehouse of its own"] {
        let started = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_msoko"))
            .arg("--config")
            .arg(config)
            .args(["--log", "error", "run"])
            .env("NOTIFY_SOCKET", &socket)
            .spawn()
            .expect("started");
        let mut said = [0; 4096];
        loop {
            let length = notify.recv(&mut said).expect("received");
            if said[..length].starts_with(b"READY=1") {
                break;
            }
        }
        let ready = started.elapsed().as_secs_f64();
        std::thread::sleep(Duration::from_secs(3));
        let before = processor(child.id());
        std::thread::sleep(QUIET);
        let busy = (processor(child.id()) - before) / QUIET.as_secs_f64();
        let resident = super::size(child.id(), "VmRSS:");
        println!("{turn:<26} {ready:>8.3} {resident:>15} {busy:>24.2}");
        child.kill().expect("stopped");
        child.wait().expect("waited for");
    }
}

/// Milliseconds on a processor so far, all threads.
fn processor(id: u32) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).expect("Linux");
    let nanoseconds = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() / 1e6
}
