//! Webhooks by [Standard Webhooks](https://www.standardwebhooks.com) 1.0.0: who asked for it is told of events, thinly,
//! signed, until it answers 2xx or three days went by.
//!
//! [`guard`] decides which addresses may be reached at all, [`signature`] how a message is signed, [`message`] what it
//! says, [`send`] makes one attempt, [`dispatch`] plans and makes all of them from the events of a service
//! ([`crate::event`]), [`store`] keeps them (tables by `mpp_migrations::shared`). When an attempt is made and what follows
//! from its outcome is [`rules`].

use serde::{Deserialize, Serialize};

pub mod dispatch;
pub mod guard;
pub mod message;
pub mod rules;
pub mod send;
pub mod signature;
pub mod store;

/// How other systems are told of events.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhooksConfig {
    /// Hosts that may be reached without TLS, separated by commas. For tests and closed networks only.
    pub allow_http_hosts: String,
    /// Whether addresses of private networks may be reached: for installations inside the government's intranet. It also
    /// lifts the limit to the ports 443 and 8443.
    pub allow_private: bool,
    /// How long a receiver may take, in seconds, 1 to 30.
    pub timeout_seconds: u32,
    /// How many messages are under way to one receiver at once, 1 to 16. A receiver that fails gets one at a time.
    pub concurrency: u32,
    /// Days that finished deliveries are kept, 1 to 365.
    pub keep_days: u32,
}

impl Default for WebhooksConfig {
    fn default() -> Self {
        Self {
            allow_http_hosts: String::new(),
            allow_private: false,
            timeout_seconds: 20,
            concurrency: 4,
            keep_days: 30,
        }
    }
}

impl WebhooksConfig {
    /// The hosts that may be reached without TLS.
    #[must_use]
    pub fn http_hosts(&self) -> Vec<String> {
        let hosts = self.allow_http_hosts.split(',').map(str::trim).filter(|host| !host.is_empty());
        hosts.map(str::to_ascii_lowercase).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_hosts_are_a_list() {
        let config = WebhooksConfig {
            allow_http_hosts: " 127.0.0.1 , Penerima.test,".to_owned(),
            ..Default::default()
        };
        assert_eq!(config.http_hosts(), ["127.0.0.1", "penerima.test"]);
    }
}
