//! Queueing, claiming and delivering letters.
