//! What the command line says of settings.

use std::time::Duration;

use super::args::RunArgs;
use crate::settings::Settings;

/// After a signal, steps on threads have this long to end, where nobody says otherwise.
const GRACE: Duration = Duration::from_secs(10);

impl RunArgs {
    pub(super) fn settings(&self, current: &Settings) -> Settings {
        let mut settings = current.clone();
        if let Some(preset) = &self.preset {
            settings = preset.clone();
        }
        settings.io = self.io.unwrap_or(settings.io);
        settings.cpu = self.cpu.unwrap_or(settings.cpu);
        settings.blocking = self.blocking.unwrap_or(settings.blocking);
        if self.sequential {
            settings.workers = Some(1);
        }
        if let Some(workers) = self.workers {
            settings = settings.workers(workers);
        }
        settings.fail_fast |= self.fail_fast;
        settings.defaults.timeout = self.timeout.or(settings.defaults.timeout);
        settings.defaults.retries = self.retries.or(settings.defaults.retries);
        settings.deadline = self.deadline.or(settings.deadline);
        settings.grace = self.grace.or(settings.grace).or(Some(GRACE));
        settings.memory_limit = self.memory_limit.or(settings.memory_limit);
        settings.no_write |= self.no_write;
        settings.seed = self.seed.or(settings.seed);
        settings
    }
}
