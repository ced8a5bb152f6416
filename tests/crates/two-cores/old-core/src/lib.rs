//! Stands for another version.
