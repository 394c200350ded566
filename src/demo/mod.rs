//! The demonstration district.

mod dice;
mod district;
mod pages;
mod results;
mod workbooks;
