//! Whether the logs of halls are what was written: each event carries the hash of the one before, and the shard row the last.

use mpp_kit::journal::{Sound, VerifyError, Walk};
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::{event, shard};
use super::{PAGE, Store};
use crate::hall::log::link;

impl Store {
    /// The halls that have a log, by id.
    ///
    /// # Errors
    /// As reported by the database.
    pub async fn logs(&self) -> Result<Vec<String>, DbErr> {
        let select = shard::Entity::find().select_only().column(shard::Column::Hall);
        select.order_by_asc(shard::Column::Hall).into_tuple().all(&self.db.read).await
    }

    /// Recomputes every hash of the log of a hall, up to where its shard row says that it ends, and looks for what an earlier
    /// look ended with.
    ///
    /// # Errors
    /// [`VerifyError`] with the first event that is not what was written.
    pub async fn verify(&self, hall: &str, noted: Option<&Sound>) -> Result<Sound, VerifyError> {
        // Read first: whatever is committed meanwhile stands behind it.
        let shard = shard::Entity::find_by_id(hall.to_owned()).one(&self.db.read).await?;
        let end = shard.filter(|it| it.seq > 0).map(|it| Sound { entries: it.seq, head: bytes(&it.chain) });
        let noted: Vec<Sound> = noted.cloned().into_iter().chain(end).collect();
        let mut walk = Walk::new(&noted);
        loop {
            let page: Vec<(i64, String, String)> = event::Entity::find()
                .select_only()
                .columns([event::Column::Seq, event::Column::Chain, event::Column::Body])
                .filter(event::Column::Hall.eq(hall))
                .filter(event::Column::Seq.gt(walk.entries()))
                .order_by_asc(event::Column::Seq)
                .limit(PAGE)
                .into_tuple()
                .all(&self.db.read)
                .await?;
            if page.is_empty() {
                return walk.end();
            }
            for (seq, chain, body) in page {
                // A position below the first is passed as it stands, and is a gap.
                let position = u64::try_from(seq).unwrap_or_default();
                let follows = link(&hex::encode(walk.head()), position, &body) == chain;
                walk.pass(seq, bytes(&chain), follows)?;
            }
        }
    }
}

/// The hash that a text stands for; of one that is none, nothing, which is no hash.
fn bytes(chain: &str) -> Vec<u8> {
    hex::decode(chain).unwrap_or_default()
}
