//! Settings of the queue service.

use serde::{Deserialize, Serialize};

/// Settings of the queue service. Everything about a hall is in its configuration, not here.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Seconds between two looks at the calendar: opening and closing of days.
    pub day_check_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { day_check_seconds: 5 }
    }
}
