//! Who may import whom: the tables of ARCHITECTURE.md, held by cargo's own metadata and by a scan of the sources.
//!
//! Each rule is a function from what it reads to what is wrong, so that the last tests can plant an error and see it
//! found.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// A crate of the workspace, as the rules see it.
struct Crate {
    /// The name in its manifest.
    name: String,
    /// Its folder, from the root of the workspace.
    folder: String,
    /// The crates it names, with the kind of each dependency.
    dependencies: Vec<(String, DependencyKind)>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_owned()
}

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().expect("cargo metadata")
}

fn crates() -> Vec<Crate> {
    let root = root();
    metadata()
        .packages
        .iter()
        .map(|package| Crate {
            name: package.name.to_string(),
            folder: package
                .manifest_path
                .parent()
                .and_then(|folder| folder.as_std_path().strip_prefix(&root).ok())
                .expect("a crate of the workspace lies under its root")
                .to_string_lossy()
                .replace('\\', "/"),
            dependencies: package.dependencies.iter().map(|it| (it.name.clone(), it.kind)).collect(),
        })
        .collect()
}

/// Our crates that the crate in `folder` may name, for the binary and for its tests. `None`: all of them.
fn may_use(folder: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    match folder {
        "proto" => Some((&[], &[])),
        // Its own tests turn its test servers on, need tables for its journal, and contracts for its policies.
        "kit" => Some((&[], &["mpp-kit", "mpp-migrations", "mpp-proto"])),
        // Its own tests run the ledgers on the kit's private servers.
        "migrations" => Some((&[], &["mpp-kit"])),
        "gateway" => Some((&["mpp-proto", "mpp-kit"], &["mpp-proto", "mpp-kit"])),
        "tests" => Some((&["mpp", "mpp-proto", "mpp-kit"], &["mpp", "mpp-proto", "mpp-kit"])),
        "mpp" => None,
        service if service.starts_with("services/") => {
            Some((&["mpp-proto", "mpp-kit"], &["mpp-proto", "mpp-kit", "mpp-migrations"]))
        }
        other => panic!("{other} is in no table: give it a row in ARCHITECTURE.md and here"),
    }
}

/// External crates that a crate must not name.
fn must_not_use(folder: &str) -> &'static [&'static str] {
    match folder {
        // The contracts are messages, clients and servers: nothing else.
        "proto" => &["sea-orm", "axum", "redis", "tokio", "serde"],
        "kit" | "tests" | "mpp" => &[],
        "gateway" => &["sea-orm", "sea-orm-migration", "sqlx", "redis"],
        "migrations" => &["tonic", "axum", "redis", "prost"],
        // Documents calls out: to signing services, to OSS, to webhooks. It answers gRPC like every service.
        "services/documents" => &["axum", "sea-orm-migration", "sqlx"],
        // Notifications calls out too: to WhatsApp. Its stand-in there is served by hyper, without a framework.
        "services/notifications" => &["axum", "sea-orm-migration", "sqlx"],
        // Complaints fetches what channels keep, and speaks with SP4N-LAPOR!.
        "services/complaints" => &["axum", "sea-orm-migration", "sqlx"],
        // A service answers gRPC; the REST world ends at the gateway.
        _ => &["axum", "reqwest", "sea-orm-migration", "sqlx"],
    }
}

/// What is wrong with the arrows between crates.
fn wrong_arrows(crates: &[Crate]) -> Vec<String> {
    let mut wrong = Vec::new();
    for it in crates {
        let last = it.folder.rsplit('/').next().unwrap_or_default();
        let expected = if it.folder == "mpp" { "mpp".to_owned() } else { format!("mpp-{last}") };
        if it.name != expected {
            wrong.push(format!("{} should be called {expected}", it.folder));
        }
        let ours = crates.iter().map(|other| other.name.as_str()).collect::<Vec<_>>();
        for (dependency, kind) in &it.dependencies {
            if ours.contains(&dependency.as_str())
                && let Some((normal, development)) = may_use(&it.folder)
            {
                let allowed = if *kind == DependencyKind::Development { development } else { normal };
                if !allowed.contains(&dependency.as_str()) {
                    wrong.push(format!("{} must not use {dependency}", it.name));
                }
            }
            if must_not_use(&it.folder).contains(&dependency.as_str()) {
                wrong.push(format!("{} must not use {dependency}", it.name));
            }
        }
    }
    wrong
}

/// A source without comments, string contents and the tests at its end, so that words are only found in code.
fn code_of(source: &str) -> String {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let chars = source.chars().collect::<Vec<_>>();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        if rest.starts_with(&['/', '/']) {
            at += rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
        } else if rest.starts_with(&['/', '*']) {
            let end = rest.windows(2).position(|two| two == ['*', '/']).map_or(rest.len(), |end| end + 2);
            code.extend(rest[..end].iter().filter(|c| **c == '\n'));
            at += end;
        } else if rest[0] == 'r'
            && (rest.get(1) == Some(&'"') || rest.get(1) == Some(&'#'))
            && raw_string(rest).is_some()
        {
            let length = raw_string(rest).unwrap_or(1);
            code.push_str("\"\"");
            code.extend(rest[..length].iter().filter(|c| **c == '\n'));
            at += length;
        } else if rest[0] == '"' {
            let mut end = 1;
            while end < rest.len() && rest[end] != '"' {
                end += if rest[end] == '\\' { 2 } else { 1 };
            }
            let end = (end + 1).min(rest.len());
            code.push_str("\"\"");
            code.extend(rest[..end].iter().filter(|c| **c == '\n'));
            at += end;
        } else if rest[0] == '\'' && rest.get(1) == Some(&'"') && rest.get(2) == Some(&'\'') {
            // The character '"' opens no string.
            at += 3;
        } else {
            code.push(rest[0]);
            at += 1;
        }
    }
    code
}

/// The length of the raw string that starts here, if one does.
fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let closing = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect::<Vec<_>>();
    let body = 2 + hashes;
    let end = rest[body..].windows(closing.len()).position(|window| window == closing.as_slice())?;
    Some(body + end + closing.len())
}

/// Whether `word` stands in `line` as a word of its own.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(part_of_name)
            && !line[at + word.len()..].chars().next().is_some_and(part_of_name)
    })
}

/// The first segment of each path that a file imports or names by `crate::…`, with its line.
fn imports(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let trimmed = line.trim_start();
        for visibility in ["use ", "pub use ", "pub(crate) use ", "pub(super) use "] {
            if let Some(path) = trimmed.strip_prefix(visibility) {
                found.push((index + 1, path.trim_end_matches(';').to_owned()));
            }
        }
    }
    found
}

/// Words that a pure domain does not know, and why.
const IMPURE: [(&str, &str); 9] = [
    ("async", "decisions do not wait"),
    ("await", "decisions do not wait"),
    ("tonic", "transport belongs to rpc"),
    ("prost", "messages belong to rpc/convert.rs"),
    ("mpp_proto", "messages belong to rpc/convert.rs"),
    ("sea_orm", "rows belong to store"),
    ("redis", "the log belongs to hall"),
    ("tokio", "decisions do not wait"),
    ("Utc::now", "time is an argument"),
];

/// Roots that a domain may import. serde only describes data: what the log of a hall keeps are the domain's own events.
const DOMAIN_ROOTS: [&str; 16] = [
    "std",
    "core",
    "thiserror",
    "strum",
    "chrono",
    "serde",
    "super",
    "self",
    "crate::domain",
    "mpp_kit::id",
    "mpp_kit::fsm",
    "mpp_kit::check",
    // Pure: what the wall clock shows and when people work.
    "mpp_kit::calendar",
    "mpp_kit::zone",
    // Pure: how long a wait is.
    "mpp_kit::patience",
    // How places lie within each other: one rule for all services.
    "mpp_kit::caller::reaches",
];

/// What is wrong with one file of a service's `domain`.
fn impurities(path: &str, source: &str) -> Vec<String> {
    let code = code_of(source);
    let mut wrong = Vec::new();
    for (index, line) in code.lines().enumerate() {
        for (word, why) in IMPURE {
            if has_word(line, word) {
                wrong.push(format!("{path}:{}: {word}: {why}", index + 1));
            }
        }
    }
    for (line, import) in imports(&code) {
        let allowed = DOMAIN_ROOTS.iter().any(|root| {
            import
                .strip_prefix(root)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with(' '))
        });
        // A domain module imports its own children by their bare name, and from types that it has already.
        let first = import.split([':', ' ']).next().unwrap_or_default();
        let local = first.starts_with(char::is_uppercase) || code.contains(&format!("mod {first};"));
        if !allowed && !local {
            wrong.push(format!("{path}:{line}: a domain does not import {import}"));
        }
    }
    wrong
}

/// Layers of a service and the layers each may not name.
const LAYERS: [(&str, &[&str]); 3] = [
    // Rows know the domain; they do not know who asks.
    ("store", &["crate::rpc", "crate::worker", "tonic", "mpp_proto"]),
    // What the outside reads is built in rpc; nothing beneath looks up.
    ("domain", &["crate::rpc", "crate::worker", "crate::store", "crate::hall"]),
    // Letters depend on their arguments alone: rendered and signed the same wherever and whenever.
    (
        "letter",
        &["crate::rpc", "crate::worker", "crate::store", "tonic", "sea_orm", "tokio", "mpp_proto", "mpp_kit"],
    ),
];

/// What is wrong with one file of a layer.
fn wrong_layers(path: &str, source: &str) -> Vec<String> {
    let code = code_of(source);
    let mut wrong = Vec::new();
    for (layer, forbidden) in LAYERS {
        if !path.contains(&format!("/src/{layer}/")) && !path.ends_with(&format!("/src/{layer}.rs")) {
            continue;
        }
        for (index, line) in code.lines().enumerate() {
            for name in forbidden {
                if has_word(line, name) {
                    wrong.push(format!("{path}:{}: {layer} does not know {name}", index + 1));
                }
            }
        }
    }
    wrong
}

/// Every Rust source under `folder`, by its path from the root. Files of tests alone are left out.
fn sources(folder: &str) -> BTreeMap<String, String> {
    fn walk(folder: &Path, root: &Path, into: &mut BTreeMap<String, String>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                walk(&path, root, into);
            } else if path.extension().is_some_and(|it| it == "rs")
                && path.file_stem().is_none_or(|it| it != "tests")
            {
                let name =
                    path.strip_prefix(root).expect("under the root").to_string_lossy().replace('\\', "/");
                if !name.contains("/tests/") {
                    into.insert(name, fs::read_to_string(&path).expect("a readable source"));
                }
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&root().join(folder), &root(), &mut found);
    found
}

fn is_domain(path: &str) -> bool {
    path.contains("/src/domain/") || path.ends_with("/src/domain.rs")
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "against ARCHITECTURE.md:\n{}", wrong.join("\n"));
}

#[test]
fn crates_use_only_what_the_table_allows() {
    let crates = crates();
    assert!(crates.len() >= 8, "the workspace was not read");
    assert_none(&wrong_arrows(&crates));
}

#[test]
fn every_crate_keeps_the_lints_of_the_workspace_and_is_never_published() {
    for package in &metadata().packages {
        let manifest = fs::read_to_string(&package.manifest_path).expect("a manifest");
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} does not take the lints", package.name);
        assert_eq!(package.publish.as_deref(), Some([].as_slice()), "{} could be published", package.name);
    }
}

#[test]
fn domains_are_pure() {
    let services = sources("services");
    let domains = services.iter().filter(|(path, _)| is_domain(path)).collect::<Vec<_>>();
    for service in [
        "services/identity",
        "services/queue",
        "services/documents",
        "services/complaints",
        "services/notifications",
    ] {
        assert!(domains.iter().any(|(path, _)| path.starts_with(service)), "{service} has no domain");
    }
    assert_none(&domains.iter().flat_map(|(path, source)| impurities(path, source)).collect::<Vec<_>>());
}

#[test]
fn layers_of_a_service_look_down_only() {
    let wrong =
        sources("services").iter().flat_map(|(path, source)| wrong_layers(path, source)).collect::<Vec<_>>();
    assert_none(&wrong);
}

#[test]
fn the_kit_knows_no_message_and_no_service() {
    let mut wrong = Vec::new();
    for (path, source) in sources("kit/src") {
        for (index, line) in code_of(&source).lines().enumerate() {
            for word in ["mpp_proto", "Ticket", "Hall", "Agency", "Kiosk", "Loket"] {
                if has_word(line, word) {
                    wrong.push(format!("{path}:{}: {word}", index + 1));
                }
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn only_the_clock_asks_the_time() {
    let mut wrong = Vec::new();
    for folder in ["kit/src", "services", "gateway/src", "mpp/src", "migrations/src"] {
        for (path, source) in sources(folder) {
            if path == "kit/src/clock.rs" {
                continue;
            }
            let code = code_of(&source);
            for name in ["Utc::now", "Local::now", "SystemTime::now"] {
                if code.lines().any(|line| has_word(line, name)) {
                    wrong.push(format!("{path} asks {name}"));
                }
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn planted_arrows_are_found() {
    let plant = |folder: &str, name: &str, dependency: &str, kind| Crate {
        name: name.to_owned(),
        folder: folder.to_owned(),
        dependencies: vec![(dependency.to_owned(), kind)],
    };
    let neighbours = || {
        ["identity", "queue"].map(|it| Crate {
            name: format!("mpp-{it}"),
            folder: format!("services/{it}"),
            dependencies: vec![],
        })
    };
    for (folder, name, dependency, kind) in [
        ("services/documents", "mpp-documents", "mpp-queue", DependencyKind::Normal),
        ("services/documents", "mpp-documents", "mpp-queue", DependencyKind::Development),
        ("kit", "mpp-kit", "mpp-identity", DependencyKind::Normal),
        ("gateway", "mpp-gateway", "sea-orm", DependencyKind::Normal),
        ("gateway", "mpp-gateway", "mpp-queue", DependencyKind::Normal),
        ("tests", "mpp-tests", "mpp-queue", DependencyKind::Normal),
        ("services/documents", "mpp-papers", "serde", DependencyKind::Normal),
    ] {
        let mut crates = vec![plant(folder, name, dependency, kind)];
        crates.extend(neighbours());
        assert_eq!(wrong_arrows(&crates).len(), 1, "{name} → {dependency}");
    }
    let mut fine = vec![plant("mpp", "mpp", "mpp-queue", DependencyKind::Normal)];
    fine.extend(neighbours());
    assert!(wrong_arrows(&fine).is_empty());
}

#[test]
fn planted_impurities_are_found() {
    let path = "services/queue/src/domain/plant.rs";
    for source in [
        "pub async fn decide() {}",
        "use sea_orm::Value;",
        "fn now() -> DateTime<Utc> { Utc::now() }",
        "fn f() { tokio::spawn(g()); }",
        "use crate::store::Row;",
        "use mpp_kit::redis::Redis;",
        "fn f() -> tonic::Status { g() }",
        "pub use rand::random;",
        "/* a comment\n*/ fn f(s: &str) { redis::cmd(\"GET\"); }",
    ] {
        assert!(!impurities(path, source).is_empty(), "not found: {source}");
    }
    for source in [
        "//! Redis decides the order, tonic carries it; nothing here is async.\nuse std::fmt;",
        "/// Like `tokio::spawn`.\nuse super::ticket::Ticket;",
        "const WHY: &str = \"redis and tokio\"; const RAW: &str = r#\"async \"tonic\"\"#; use chrono::Utc;",
        "use mpp_kit::fsm::Table;\n#[cfg(test)]\nmod tests { use proptest::prelude::*; }",
        "mod order;\npub use order::Order;",
        "fn quote(c: char) -> bool { c == '\"' } // \"async",
    ] {
        assert!(impurities(path, source).is_empty(), "{source}: {:?}", impurities(path, source));
    }
    assert_eq!(wrong_layers("services/queue/src/store/plant.rs", "fn f() -> tonic::Status { g() }").len(), 1);
    assert_eq!(wrong_layers("services/queue/src/store.rs", "use crate::rpc::convert;").len(), 1);
    assert!(wrong_layers("services/queue/src/rpc/plant.rs", "use crate::store::Row;").is_empty());
}
