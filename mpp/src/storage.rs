//! Databases and Redis: which ones, opened, brought up to date.

use std::path::{Path, PathBuf};

use mpp_kit::component::Role;
use mpp_kit::config::{ExposeSecret as _, Secret};
use mpp_kit::db::{ConnectError, Db, redacted, sqlite_url};
use mpp_kit::redis::{PrivateServer, Redis};

use crate::config::{Config, Databases};
use crate::failure::{Exit, Failure};

/// A service's database as it is configured.
struct Place<'a> {
    role: Role,
    /// The setting that gave the address, for messages.
    setting: &'static str,
    /// `None`: a file in the data directory.
    url: Option<&'a Secret>,
}

fn place(databases: &Databases, role: Role) -> Place<'_> {
    let (setting, own) = match role {
        mpp_identity::ROLE => ("database.identity_url", &databases.identity_url),
        mpp_documents::ROLE => ("database.documents_url", &databases.documents_url),
        mpp_complaints::ROLE => ("database.complaints_url", &databases.complaints_url),
        mpp_notifications::ROLE => ("database.notifications_url", &databases.notifications_url),
        _ => ("database.queue_url", &databases.queue_url),
    };
    let given = |secret: &Secret| !secret.expose_secret().is_empty();
    if given(own) {
        Place { role, setting, url: Some(own) }
    } else if given(&databases.url) {
        Place { role, setting: "database.url", url: Some(&databases.url) }
    } else {
        Place { role, setting: "server.data", url: None }
    }
}

/// Whether the role keeps files in the data directory.
pub(crate) fn needs_data(config: &Config, role: Role) -> bool {
    place(&config.database, role).url.is_none()
        || (role == mpp_queue::ROLE && config.redis.url.expose_secret().is_empty())
        || (role == mpp_identity::ROLE && config.identity.keeps_files_here())
        || (role == mpp_documents::ROLE && config.documents.keeps_files_here())
        || (role == mpp_complaints::ROLE && config.complaints.keeps_files_here())
        || (role == mpp_notifications::ROLE && config.notifications.keeps_files_here())
}

/// Opens the database of `role`, without looking at its tables.
pub(crate) async fn open(config: &Config, role: Role) -> Result<Db, Failure> {
    let place = place(&config.database, role);
    let url = match place.url {
        Some(url) => url.expose_secret().to_owned(),
        None => {
            crate::data::create(&config.server.data)?;
            sqlite_url(&file(config, place.role))
        }
    };
    Db::connect(&url, Some(&schema(role))).await.map_err(|error| unopened(&place, &url, error))
}

/// The schema of `role` in a PostgreSQL that the services share.
fn schema(role: Role) -> String {
    format!("mpp_{role}")
}

fn unopened(place: &Place<'_>, url: &str, error: ConnectError) -> Failure {
    let Place { role, setting, .. } = place;
    let what = format!("{role} cannot open its database {} (setting {setting})", redacted(url));
    Failure::because(Exit::Unavailable, what, &anyhow::Error::new(error))
}

/// Opens the database of `role` for one who only looks: nothing is made, no file, folder or schema, and nothing is written.
pub(crate) async fn open_present(config: &Config, role: Role) -> Result<Db, Failure> {
    let (place, file) = (place(&config.database, role), file(config, role));
    if place.url.is_none() && !file.exists() {
        return Err(Failure::new(
            Exit::Unavailable,
            format!(
                "{role} has no database {}: is this its data directory (--data, server.data)?",
                file.display()
            ),
        ));
    }
    let url = place.url.map_or_else(|| sqlite_url(&file), |url| url.expose_secret().to_owned());
    let opened = Db::connect_to_look(&url, Some(&schema(role))).await;
    opened.map_err(|error| unopened(&place, &url, error))
}

/// Where the database of `role` is when none is configured.
fn file(config: &Config, role: Role) -> PathBuf {
    config.server.data.join(format!("{role}.db"))
}

/// Opens the database of `role`, and brings its tables up to date unless that is done apart.
pub(crate) async fn open_current(config: &Config, role: Role) -> Result<Db, Failure> {
    let db = open(config, role).await?;
    if config.database.migrate {
        migrate(&db, role).await?;
    }
    Ok(db)
}

/// Brings the tables of `role` up to date.
pub(crate) async fn migrate(db: &Db, role: Role) -> Result<(), Failure> {
    mpp_migrations::run(role.0, &db.write)
        .await
        .map_err(|error| Failure::because(Exit::Unavailable, format!("{role} cannot start"), &error.into()))
}

/// Redis, with the private server if it is one.
pub(crate) async fn open_redis(
    config: &Config,
    data: &Path,
) -> Result<(Redis, Option<PrivateServer>), Failure> {
    let configured = config.redis.url.expose_secret();
    if !configured.is_empty() {
        let redis = Redis::connect(configured).await.map_err(|error| {
            Failure::because(
                Exit::Unavailable,
                "the queue cannot reach its Redis (setting redis.url)",
                &error.into(),
            )
        })?;
        return Ok((redis, None));
    }
    let server = PrivateServer::start(&data.join("redis"))
        .await
        .map_err(|error| Failure::because(Exit::Unavailable, "the queue has no Redis", &error.into()))?;
    let redis = Redis::connect(server.url()).await.map_err(|error| {
        Failure::because(Exit::Unavailable, "the queue cannot reach its private Redis", &error.into())
    })?;
    Ok((redis, Some(server)))
}
