//! Tables → observations and participants.
