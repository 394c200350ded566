//! Connector manifests: what a file looks like and what its columns mean.
