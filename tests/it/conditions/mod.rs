//! Conditions, switches and `parallel_if`: what is skipped, how it is reported, and what still runs.

mod parallel_if;
mod switches;
mod when;
