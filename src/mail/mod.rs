//! One letter in, a receipt or a classified error out.
