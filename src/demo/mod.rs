//! The demonstration district.
