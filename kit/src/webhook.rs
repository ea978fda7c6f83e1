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
    /// Ports that may be reached besides 443 and 8443, separated by commas.
    pub allow_ports: String,
    /// Whether addresses of private networks may be reached (10/8, 172.16/12, 192.168/16, fc00::/7): for installations inside
    /// the government's intranet. Never this machine, its link or the metadata services of clouds.
    pub allow_private: bool,
    /// Whether this machine itself may be reached (127/8, ::1). For tests only: whoever makes a webhook could reach whatever
    /// listens here for nobody else.
    pub allow_loopback: bool,
    /// How long a receiver may take, in seconds, 1 to 30.
    pub timeout_seconds: u32,
    /// How many messages are under way to one receiver at once, 1 to 16. A receiver that fails gets one at a time.
    pub concurrency: u32,
    /// Days that finished deliveries are kept, 1 to 365.
    pub keep_days: u32,
    /// Days without any call of its owner's account after which a webhook gets nothing until the owner enables it again, 1 to
    /// 365. What an account reaches is known by its calls alone.
    pub unseen_days: u32,
}

impl Default for WebhooksConfig {
    fn default() -> Self {
        Self {
            allow_http_hosts: String::new(),
            allow_ports: String::new(),
            allow_private: false,
            allow_loopback: false,
            timeout_seconds: 20,
            concurrency: 4,
            keep_days: 30,
            unseen_days: 30,
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

    /// The ports that may be reached besides the usual ones. What is no port opens none: [`Self::ports_are_sound`].
    #[must_use]
    pub fn ports(&self) -> Vec<u16> {
        self.written_ports().filter_map(|port| port.parse().ok()).collect()
    }

    /// Whether every port that the settings name is one.
    #[must_use]
    pub fn ports_are_sound(&self) -> bool {
        self.written_ports().all(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
    }

    fn written_ports(&self) -> impl Iterator<Item = &str> {
        self.allow_ports.split(',').map(str::trim).filter(|port| !port.is_empty())
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

    #[test]
    fn ports_are_a_list() {
        let of = |ports: &str| WebhooksConfig { allow_ports: ports.to_owned(), ..Default::default() };
        assert_eq!(of(" 9000, 9443,").ports(), [9000, 9443]);
        assert!(of(" 9000, 9443,").ports_are_sound() && of("").ports_are_sound());
        for bad in ["https", "9000 9443", "70000", "0", "-1"] {
            assert!(!of(bad).ports_are_sound(), "{bad}");
        }
    }
}
