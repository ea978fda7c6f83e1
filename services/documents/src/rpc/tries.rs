//! What somebody opens by a number that he knows, beside a code: four digits are guessed soon where nobody counts. Wrong ones are
//! counted for each thing, and recorded as everything is.

use chrono::TimeDelta;
use mpp_kit::fault::Problem;
use mpp_kit::journal;
use tonic::Code;

use super::{Core, record};
use crate::error::Error;

/// Wrong tries of one thing within [`WINDOW`]; then nobody opens it for a while, not with the right number either.
const MOST: usize = 5;
const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// What is entered into the journal.
pub(super) struct Entry<'a> {
    pub(super) what: &'static str,
    pub(super) subject: &'a str,
    pub(super) detail: serde_json::Value,
}

impl Core {
    /// Enters a try: `made` if it was `right`, else `refused`, whose subject is what is counted by.
    ///
    /// # Errors
    /// When it was wrong too often of late, right or not this time: then nothing is entered.
    pub(super) async fn tried(
        &self,
        who: &str,
        right: bool,
        (made, refused): (Entry<'_>, Entry<'_>),
    ) -> Result<(), Error> {
        let now = self.now();
        // Tries come one after another, however many come at once.
        let tx = self.db.begin().await?;
        journal::hold(&tx).await?;
        let wrong = journal::count(&tx, (refused.what, refused.subject), now - WINDOW, MOST as u64).await?;
        if wrong >= MOST {
            return Err(too_many());
        }
        let Entry { what, subject, detail } = if right { made } else { refused };
        record(&tx, (who, what, subject), (None, None), detail, "", now).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn too_many() -> Error {
    let minutes = WINDOW.num_minutes();
    let mut problem = Problem::new(
        Code::ResourceExhausted,
        "TOO_MANY_TRIES",
        format!("Terlalu sering salah. Coba lagi setelah {minutes} menit."),
        format!("Wrong too often. Try again after {minutes} minutes."),
    );
    problem.retry_after = WINDOW.to_std().ok();
    problem.into()
}
