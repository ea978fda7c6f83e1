//! Which addresses may be reached. Whoever may make a webhook chooses where this process connects to, so it must not be
//! led to what only this process reaches: itself, its neighbours, the metadata service of a cloud.
//!
//! The name is resolved here and the connection goes to the address that was checked: what the name says afterwards does
//! not matter. Redirects and proxies are off.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

use super::WebhooksConfig;

/// The most characters of an address.
const MAX_URL: usize = 500;

/// What may be reached.
#[derive(Debug, Clone)]
pub struct Guard {
    http_hosts: Vec<String>,
    ports: Vec<u16>,
    allow_private: bool,
    allow_loopback: bool,
}

/// Why an address may not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// It is no address of the web.
    #[error("it is not an address such as https://host/path")]
    Form,
    /// It is not encrypted.
    #[error("it does not begin with https://")]
    Scheme,
    /// A user name stands in it.
    #[error("it holds a user name or a password")]
    UserInfo,
    /// Webhooks listen elsewhere.
    #[error("its port is neither 443 nor 8443 nor one that the settings name")]
    Port,
    /// It leads into a network that is not public.
    #[error("it leads into a private network")]
    Address,
}

/// Looks names up. A seam for tests: in production the system's resolver.
#[async_trait]
pub trait Names: fmt::Debug + Send + Sync {
    /// Every address of a host.
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Debug)]
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

impl Guard {
    /// What these settings permit.
    pub fn new(config: &WebhooksConfig) -> Self {
        Self {
            http_hosts: config.http_hosts(),
            ports: config.ports(),
            allow_private: config.allow_private,
            allow_loopback: config.allow_loopback,
        }
    }

    /// Checks what can be told from the address alone: also its host, when it is written in digits.
    pub fn check(&self, address: &str) -> Result<Url, Refused> {
        if address.len() > MAX_URL {
            return Err(Refused::Form);
        }
        let url = Url::parse(address).map_err(|_| Refused::Form)?;
        let Some(host) = url.host_str().map(str::to_owned) else { return Err(Refused::Form) };
        if url.fragment().is_some() {
            return Err(Refused::Form);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::UserInfo);
        }
        let plain = self.http_hosts.contains(&host);
        match url.scheme() {
            "https" => {}
            "http" if plain => {}
            "http" => return Err(Refused::Scheme),
            _ => return Err(Refused::Form),
        }
        let port = url.port_or_known_default();
        let usual = port.is_some_and(|port| matches!(port, 443 | 8443) || self.ports.contains(&port));
        if !usual && !plain {
            return Err(Refused::Port);
        }
        // A client does not look digits up, so they are checked here. The parser has brought every way of writing them
        // (octal, hexadecimal, one number) into the usual form.
        let digits = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if let Ok(ip) = digits {
            self.permits(ip)?;
        }
        Ok(url)
    }

    /// Whether this address may be connected to.
    pub fn permits(&self, ip: IpAddr) -> Result<(), Refused> {
        // An IPv4 address in the clothes of an IPv6 one is what it is.
        let ip = ip.to_canonical();
        let permitted = is_public(ip)
            || (self.allow_private && is_private(ip))
            || (self.allow_loopback && ip.is_loopback());
        if permitted { Ok(()) } else { Err(Refused::Address) }
    }
}

/// Whether it is an address of a network of one's own: 10/8, 172.16/12, 192.168/16 (RFC 1918) and fc00::/7 (RFC 4193).
/// Whatever else is not public is for nobody: this machine, what a machine finds without asking (169.254/16, fe80::/10), the
/// shared addresses of providers (100.64/10), where metadata services of clouds are too, and groups.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private(),
        // But for the metadata service that one cloud has among them.
        IpAddr::V6(ip) => (ip.segments()[0] & 0xfe00) == 0xfc00 && ip.segments()[0] != 0xfd00,
    }
}

/// Resolves names for the client that sends: only to addresses that may be reached. One that may not be spoils all, so
/// that a name with a good and a bad address is not tried until the bad one is hit.
pub struct GuardedNames {
    guard: Guard,
    names: Arc<dyn Names>,
}

impl GuardedNames {
    /// A resolver behind a guard.
    pub fn new(guard: Guard, names: Arc<dyn Names>) -> Self {
        Self { guard, names }
    }
}

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, names) = (self.guard.clone(), Arc::clone(&self.names));
        Box::pin(async move {
            let found = names.lookup(name.as_str()).await?;
            for ip in &found {
                guard.permits(*ip)?;
            }
            // Port 0: the client puts the port of the URL in its place.
            let addresses: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

/// Whether an address belongs to the public internet (IANA's special-purpose registries).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local() // 169.254/16, with the metadata services
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0 // this network
        || (a == 100 && (64..128).contains(&b)) // carrier-grade NAT
        || (a == 192 && b == 0 && c == 0) // protocol assignments
        || (a == 192 && b == 88 && c == 99) // 6to4 relays
        || (a == 198 && (b == 18 || b == 19)) // benchmarks
        || a >= 240; // reserved
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    let [a, b, ..] = segments;
    // Only 2000::/3 is given out to the public; within it, some ranges are something else: protocol assignments with Teredo
    // and benchmarks, documentation, and 6to4, which wraps any IPv4 address.
    let global = (a & 0xe000) == 0x2000;
    let special = (a == 0x2001 && (b < 0x0200 || b == 0x0db8)) || (a == 0x3fff && b < 0x1000) || a == 0x2002;
    global && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strict() -> Guard {
        Guard::new(&WebhooksConfig::default())
    }

    fn permitted(guard: &Guard, ip: &str) -> bool {
        guard.permits(ip.parse().unwrap()) == Ok(())
    }

    #[test]
    fn line_32_where_private_networks_are_permitted_this_machine_and_metadata_services_are_not() {
        let own = Guard::new(&WebhooksConfig { allow_private: true, ..WebhooksConfig::default() });
        for ip in [
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "8.8.8.8",
            "fd12:3456::1",
            "fc00::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(permitted(&own, ip), "{ip}");
        }
        for ip in [
            "127.0.0.1",
            "127.255.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "ff02::1",
        ] {
            assert!(!permitted(&own, ip), "{ip}");
        }
    }

    #[test]
    fn line_32_this_machine_is_reached_by_a_setting_of_its_own_and_nothing_else_by_it() {
        let here = Guard::new(&WebhooksConfig { allow_loopback: true, ..WebhooksConfig::default() });
        for ip in ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1", "8.8.8.8"] {
            assert!(permitted(&here, ip), "{ip}");
        }
        for ip in ["10.1.2.3", "192.168.1.1", "fd12:3456::1", "169.254.169.254", "fe80::1", "0.0.0.0", "::"] {
            assert!(!permitted(&here, ip), "{ip}");
        }
    }

    #[test]
    fn line_32_only_public_addresses_are_reached() {
        for ip in [
            "127.0.0.1",
            "127.255.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "192.0.2.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
        ] {
            assert_eq!(strict().permits(ip.parse().unwrap()), Err(Refused::Address), "{ip}");
        }
        for ip in
            ["8.8.8.8", "103.10.66.1", "172.32.0.1", "100.128.0.1", "2404:8000::1", "2606:4700:4700::1111"]
        {
            assert_eq!(strict().permits(ip.parse().unwrap()), Ok(()), "{ip}");
        }
    }

    #[test]
    fn line_32_addresses_are_refused_by_their_form() {
        for (address, refused) in [
            ("http://penerima.example/", Refused::Scheme),
            ("ftp://penerima.example/", Refused::Form),
            ("penerima.example", Refused::Form),
            ("", Refused::Form),
            ("https://", Refused::Form),
            ("https://penerima.example/#bagian", Refused::Form),
            ("https://user:secret@penerima.example/", Refused::UserInfo),
            ("https://user@penerima.example/", Refused::UserInfo),
            ("https://penerima.example:22/", Refused::Port),
            ("https://127.0.0.1/", Refused::Address),
            ("https://2130706433/", Refused::Address),
            ("https://0x7f.1/", Refused::Address),
            ("https://0177.0.0.1/", Refused::Address),
            ("https://[::1]/", Refused::Address),
            ("https://[::ffff:169.254.169.254]/", Refused::Address),
            ("https://169.254.169.254/latest/meta-data/", Refused::Address),
        ] {
            assert_eq!(strict().check(address), Err(refused), "{address}");
        }
        for address in
            ["https://penerima.example/a?b=c", "https://penerima.example:8443/", "https://8.8.8.8/"]
        {
            assert!(strict().check(address).is_ok(), "{address}");
        }
    }

    #[test]
    fn settings_open_what_they_name_and_no_more() {
        let hosts = Guard::new(&WebhooksConfig {
            allow_http_hosts: "penerima.test,127.0.0.1".to_owned(),
            ..WebhooksConfig::default()
        });
        assert!(hosts.check("http://penerima.test:8080/").is_ok());
        assert_eq!(hosts.check("http://lain.test/"), Err(Refused::Scheme));
        assert_eq!(hosts.check("http://127.0.0.1:8080/"), Err(Refused::Address), "plain is not private");
        let private = Guard::new(&WebhooksConfig { allow_private: true, ..WebhooksConfig::default() });
        assert!(private.check("https://10.0.0.1/").is_ok());
        assert_eq!(private.check("https://10.0.0.1:9000/"), Err(Refused::Port));
        assert_eq!(private.check("http://10.0.0.1/"), Err(Refused::Scheme));
        assert_eq!(private.check("https://127.0.0.1/"), Err(Refused::Address));
        let ports = WebhooksConfig { allow_ports: "9000, 9443".to_owned(), ..WebhooksConfig::default() };
        let ports = Guard::new(&ports);
        assert!(ports.check("https://penerima.test:9443/").is_ok());
        assert_eq!(ports.check("https://penerima.test:22/"), Err(Refused::Port));
        assert_eq!(ports.check("https://10.0.0.1:9000/"), Err(Refused::Address));
        let here = Guard::new(&WebhooksConfig { allow_loopback: true, ..WebhooksConfig::default() });
        assert!(here.check("https://127.0.0.1:8443/").is_ok());
        assert_eq!(here.check("https://127.0.0.1:6379/"), Err(Refused::Port));
    }

    #[derive(Debug)]
    struct Fixed(Vec<IpAddr>);

    #[async_trait]
    impl Names for Fixed {
        async fn lookup(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
            Ok(self.0.clone())
        }
    }

    #[tokio::test]
    async fn one_bad_address_spoils_a_name() {
        for (found, permitted) in
            [(vec!["8.8.8.8"], true), (vec!["8.8.8.8", "127.0.0.1"], false), (vec!["::ffff:10.0.0.1"], false)]
        {
            let ips = found.iter().map(|ip| ip.parse().unwrap()).collect();
            let names = GuardedNames::new(strict(), Arc::new(Fixed(ips)));
            let outcome = names.resolve("penerima.example".parse().unwrap()).await;
            assert_eq!(outcome.is_ok(), permitted, "{found:?}");
        }
    }
}
