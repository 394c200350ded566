//! Small cells: what a reader outside the warehouse may see.
