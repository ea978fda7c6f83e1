//! Letter types as they are in force, read once: a version that was published never changes, whatever a later release ships
//! beside definitions.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::anyhow;
use sea_orm::ConnectionTrait;

use crate::catalogue::{self, FrozenError};
use crate::domain::letter_type::{LetterType, TypeState};
use crate::error::{Error, Thing};
use crate::store;

/// A version of a type: its key and number.
type At = (String, u32);

/// Versions as they were read.
#[derive(Default)]
pub(crate) struct Types {
    known: Mutex<HashMap<At, Arc<LetterType>>>,
    /// Those of a later release that the log names already: they are asked for again and again.
    later: Mutex<HashSet<At>>,
}

impl Types {
    /// The version of a type that is in force.
    pub(crate) async fn published(
        &self,
        db: &impl ConnectionTrait,
        key: &str,
    ) -> Result<Arc<LetterType>, Error> {
        let version = store::letter_type::in_state(db, key, TypeState::Published).await?;
        self.parsed(&version.ok_or(Error::NotFound(Thing::LetterType))?)
    }

    /// A version that an application follows.
    pub(crate) async fn version(
        &self,
        db: &impl ConnectionTrait,
        key: &str,
        version: u32,
    ) -> Result<Arc<LetterType>, Error> {
        let known = self.lock().get(&(key.to_owned(), version)).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let found = store::letter_type::find(db, key, version).await?;
        self.parsed(&found.ok_or_else(|| anyhow!("version {version} of letter type {key} is gone"))?)
    }

    /// This version of a type, if it is in force or was. What is still being written is nobody's business yet.
    pub(crate) async fn was_in_force(
        &self,
        db: &impl ConnectionTrait,
        key: &str,
        version: u32,
    ) -> Result<Arc<LetterType>, Error> {
        let found = store::letter_type::find(db, key, version).await?;
        let found = found.filter(|found| found.state != TypeState::Draft);
        self.parsed(&found.ok_or(Error::NotFound(Thing::LetterType))?)
    }

    /// A version that is not a draft, read.
    pub(crate) fn parsed(&self, version: &store::letter_type::Version) -> Result<Arc<LetterType>, Error> {
        let at = (version.key.clone(), version.version);
        if let Some(known) = self.lock().get(&at) {
            return Ok(Arc::clone(known));
        }
        let unread = |error: anyhow::Error| {
            anyhow!("version {} of letter type {}: {error:#}", version.version, version.key)
        };
        let read = match &version.frozen {
            Some(frozen) => {
                catalogue::read_frozen(frozen, &version.template).map_err(|error| match error {
                    FrozenError::Later(why) => {
                        let (letter_type, version) = at.clone();
                        let error = Error::LaterRelease { letter_type, version, why };
                        self.warn_once(&at, &error);
                        error
                    }
                    error @ FrozenError::Damaged(_) => unread(error.into()).into(),
                })?
            }
            // Of a release that froze none, and this one could not read it when it started.
            None => catalogue::read_definition(&version.definition, &version.template).map_err(unread)?,
        };
        let read = Arc::new(LetterType { version: version.version, state: version.state, ..read });
        self.lock().insert(at, Arc::clone(&read));
        Ok(read)
    }

    /// Tells operators of a version that is not understood here: once, however often it is passed over.
    fn warn_once(&self, at: &At, error: &Error) {
        let is_new = self.later.lock().unwrap_or_else(PoisonError::into_inner).insert(at.clone());
        if is_new {
            tracing::warn!("{error}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<At, Arc<LetterType>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
