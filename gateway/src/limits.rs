//! How often somebody may ask. Who signed in is counted by account or device, everybody else by address; sign-ins are
//! always counted by address.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use anyhow::Context as _;
use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock as _, DefaultClock},
};
use serde::{Deserialize, Serialize};

/// How many requests per second, and how many at once after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests per second in the long run; at least 1.
    pub per_second: u32,
    /// Requests at once after a pause; at least 1.
    pub burst: u32,
}

/// The rate limits of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimits {
    /// Whether there are limits at all. Off only for measurements.
    pub enabled: bool,
    /// Per signed-in account or device.
    pub principal: Rate,
    /// Per address (IPv6: per /64) for everybody else.
    pub anonymous: Rate,
    /// Per address, for requests that carry a password, key or code and act on it. The account's own lock comes on top.
    pub sign_in: Rate,
    /// Per address, for what somebody without an account hands in: tickets, applications, files.
    pub submission: Rate,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            enabled: true,
            principal: Rate { per_second: 2_000, burst: 4_000 },
            // A whole hall may stand behind one address: its visitors' phones, and its staff who sign in at eight.
            anonymous: Rate { per_second: 500, burst: 2_000 },
            sign_in: Rate { per_second: 20, burst: 200 },
            // A village office hands in for its people from one address; nobody types faster than this.
            submission: Rate { per_second: 10, burst: 200 },
        }
    }
}

/// The counters. Cells of those who stayed away long enough are dropped by [`Limits::forget_idle`].
#[derive(Debug)]
pub(crate) struct Limits {
    enabled: bool,
    principal: DefaultKeyedRateLimiter<String>,
    anonymous: DefaultKeyedRateLimiter<IpAddr>,
    sign_in: DefaultKeyedRateLimiter<IpAddr>,
    submission: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl Limits {
    /// Counters with the given limits.
    ///
    /// # Errors
    /// If a limit is 0; the message names the setting.
    pub(crate) fn new(limits: &RateLimits) -> anyhow::Result<Self> {
        Ok(Self {
            enabled: limits.enabled,
            principal: DefaultKeyedRateLimiter::keyed(quota("principal", limits.principal)?),
            anonymous: DefaultKeyedRateLimiter::keyed(quota("anonymous", limits.anonymous)?),
            sign_in: DefaultKeyedRateLimiter::keyed(quota("sign_in", limits.sign_in)?),
            submission: DefaultKeyedRateLimiter::keyed(quota("submission", limits.submission)?),
            clock: DefaultClock::default(),
        })
    }

    /// Counts a request of somebody who signed in. An error says how long to wait.
    pub(crate) fn principal(&self, id: &String) -> Result<(), Duration> {
        self.count(&self.principal, id)
    }

    /// Counts a request of somebody who did not.
    pub(crate) fn anonymous(&self, address: IpAddr) -> Result<(), Duration> {
        self.count(&self.anonymous, &network(address))
    }

    /// Counts a request that carries a credential.
    pub(crate) fn sign_in(&self, address: IpAddr) -> Result<(), Duration> {
        self.count(&self.sign_in, &network(address))
    }

    /// Counts what somebody without an account hands in.
    pub(crate) fn submission(&self, address: IpAddr) -> Result<(), Duration> {
        self.count(&self.submission, &network(address))
    }

    fn count<K: Clone + Eq + std::hash::Hash>(
        &self,
        limiter: &DefaultKeyedRateLimiter<K>,
        key: &K,
    ) -> Result<(), Duration> {
        if !self.enabled {
            return Ok(());
        }
        limiter.check_key(key).map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// Drops the counters that are full again.
    pub(crate) fn forget_idle(&self) {
        self.principal.retain_recent();
        self.anonymous.retain_recent();
        self.sign_in.retain_recent();
        self.submission.retain_recent();
    }
}

fn quota(name: &str, rate: Rate) -> anyhow::Result<Quota> {
    let positive = |number: u32, part: &str| {
        NonZeroU32::new(number).with_context(|| format!("gateway.rate.{name}.{part} must be at least 1"))
    };
    Ok(Quota::per_second(positive(rate.per_second, "per_second")?)
        .allow_burst(positive(rate.burst, "burst")?))
}

/// Whether an address is that of somebody outside: one of a private network is that of a proxy in front, which stands for
/// everybody, or of this house.
pub(crate) fn is_of_a_client(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => !(v4.is_unspecified() || v4.is_loopback() || v4.is_private() || v4.is_link_local()),
        IpAddr::V6(v6) => {
            !(v6.is_unspecified() || v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local())
        }
    }
}

/// Whom an address stands for. An IPv6 customer has a whole /64 to choose addresses from.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_limit_holds_per_key() -> anyhow::Result<()> {
        let limits =
            Limits::new(&RateLimits { sign_in: Rate { per_second: 1, burst: 3 }, ..RateLimits::default() })?;
        let address: IpAddr = "192.0.2.1".parse()?;
        for _ in 0..3 {
            assert!(limits.sign_in(address).is_ok());
        }
        let wait = limits.sign_in(address).expect_err("the fourth");
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
        assert!(limits.sign_in("192.0.2.2".parse()?).is_ok(), "another address");
        assert!(limits.anonymous(address).is_ok(), "another limit");
        Ok(())
    }

    #[test]
    fn ipv6_counts_by_network_and_mapped_ipv4_by_address() -> anyhow::Result<()> {
        assert_eq!(network("2001:db8::1".parse()?), network("2001:db8::ffff:1".parse()?));
        assert_ne!(network("2001:db8::1".parse()?), network("2001:db8:0:1::1".parse()?));
        assert_eq!(network("::ffff:192.0.2.1".parse()?), "192.0.2.1".parse::<IpAddr>()?);
        Ok(())
    }

    #[test]
    fn a_limit_of_zero_is_refused_by_name() {
        let zero = RateLimits { anonymous: Rate { per_second: 0, burst: 1 }, ..RateLimits::default() };
        let error = Limits::new(&zero).expect_err("zero").to_string();
        assert_eq!(error, "gateway.rate.anonymous.per_second must be at least 1");
        let off =
            RateLimits { enabled: false, sign_in: Rate { per_second: 1, burst: 1 }, ..RateLimits::default() };
        let limits = Limits::new(&off).expect("limits");
        let address = IpAddr::from([192, 0, 2, 1]);
        assert!(limits.sign_in(address).is_ok() && limits.sign_in(address).is_ok());
    }
}
