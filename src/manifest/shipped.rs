//! The manifests inside the executable. A test compares this list with the folder `connectors/`.

/// Name for messages and text of a shipped manifest.
macro_rules! manifest {
    ($id:literal) => {
        (
            concat!("connectors/", $id, "/manifest.toml"),
            include_str!(concat!("../../connectors/", $id, "/manifest.toml")),
        )
    };
}

/// In alphabetical order of the ids.
pub(super) const MANIFESTS: &[(&str, &str)] = &[
    manifest!("gia-participants"),
    manifest!("gia-svod"),
    manifest!("rsoko-feed"),
    manifest!("school-site"),
    manifest!("vpr-marks"),
    manifest!("vpr-protocol"),
];
