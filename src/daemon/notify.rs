//! What the supervisor hears from us (`sd_notify`): readiness, state line, watchdog, reload, stop.

use std::time::Duration;

use sd_notify::NotifyState;

/// The daemon is ready: configuration valid, database migrated, schedule loaded, control socket open.
pub(super) fn ready(state: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(state)]);
}

/// One line for `systemctl status`.
pub(super) fn state(line: &str) {
    tell(&[NotifyState::Status(line)]);
}

/// The loop is alive. Called by the loop itself, so that a loop that hangs is restarted.
pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// The daemon is leaving.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// How often the supervisor wants to hear from us, when it does.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the supervisor cannot be told: {error}");
    }
}
