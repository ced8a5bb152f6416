//! The code in the documents compiles and runs as written.

#[cfg(feature = "cli")]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(feature = "cli")]
#[doc = include_str!("../docs/tour.md")]
mod tour {}

#[cfg(feature = "store")]
#[doc = include_str!("../docs/parameters.md")]
mod parameters {}

#[cfg(feature = "store")]
#[doc = include_str!("../docs/caching.md")]
mod caching {}

#[doc = include_str!("../docs/fan-out.md")]
mod fan_out {}

#[doc = include_str!("../docs/lanes.md")]
mod lanes {}

#[doc = include_str!("../docs/failure.md")]
mod failure {}

#[doc = include_str!("../docs/conditions.md")]
mod conditions {}

#[doc = include_str!("../docs/limits.md")]
mod limits {}

#[cfg(feature = "cli")]
#[doc = include_str!("../docs/programs.md")]
mod programs {}
#[doc = include_str!("../docs/settings.md")]
mod settings {}
#[doc = include_str!("../docs/terminal.md")]
mod terminal {}
#[doc = include_str!("../docs/testing.md")]
mod testing {}

#[doc = include_str!("../docs/tuning.md")]
mod tuning {}

#[doc = include_str!("../docs/troubleshooting.md")]
mod troubleshooting {}

#[doc = include_str!("../docs/recipes.md")]
mod recipes {}

#[doc = include_str!("../docs/migration/hamilton.md")]
mod from_hamilton {}

#[doc = include_str!("../docs/migration/prefect.md")]
mod from_prefect {}

#[doc = include_str!("../docs/migration/dagster.md")]
mod from_dagster {}

#[doc = include_str!("../docs/migration/airflow.md")]
mod from_airflow {}

#[doc = include_str!("../docs/migration/dask.md")]
mod from_dask {}

#[doc = include_str!("../docs/migration/tokio-spawn.md")]
mod from_tokio_spawn {}

#[doc = include_str!("../docs/migration/rayon.md")]
mod from_rayon {}

#[doc = include_str!("../docs/migration/sparkforge.md")]
mod from_sparkforge {}

#[doc = include_str!("../docs/migration/planalign.md")]
mod from_planalign {}

#[doc = include_str!("../docs/migration/tracekit.md")]
mod from_tracekit {}

#[doc = include_str!("../docs/migration/kailash.md")]
mod from_kailash {}

#[doc = include_str!("../docs/migration/flowyml.md")]
mod from_flowyml {}
#[cfg(all(feature = "tracing", feature = "otel", feature = "prometheus"))]
#[doc = include_str!("../docs/telemetry.md")]
mod telemetry {}
#[cfg(feature = "outputs")]
#[doc = include_str!("../docs/history.md")]
mod history {}
