//! The manifests inside the executable. A test compares this list with the folder `connectors/`.

/// Name for messages and text, in alphabetical order of the ids.
pub(super) const MANIFESTS: &[(&str, &str)] = &[(
    "connectors/rsoko-feed/manifest.toml",
    include_str!("../../connectors/rsoko-feed/manifest.toml"),
)];
