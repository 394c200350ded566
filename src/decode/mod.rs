//! Bytes → tables of cells.
