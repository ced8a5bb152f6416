//! Conditions, switches and conditional company: what is skipped, what is told of it, and what runs all the same.

mod parallel_if;
mod switches;
mod when;
