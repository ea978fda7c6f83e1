//! The list inside of the system. What stands in it has arrived.

use async_trait::async_trait;
use mpp_kit::cipher::Cipher;
use mpp_kit::db::Db;
use mpp_kit::fault::chain;
use sea_orm::DbErr;

use super::{Channel, Message, Report};
use crate::domain::InboxId;
use crate::domain::outcome::Outcome;
use crate::store::inbox::{self, Item, ItemText};

/// The lists of accounts.
pub(crate) struct InApp {
    pub(crate) db: Db,
    pub(crate) cipher: Cipher,
}

#[async_trait]
impl Channel for InApp {
    async fn send(&self, message: &Message) -> Report {
        match self.put(message).await {
            Ok(id) => Report { provider_id: id.to_string(), ..Report::of(Outcome::Delivered, "") },
            Err(error) => {
                tracing::warn!(error = chain(&error), "a list could not be written");
                Report::of(Outcome::ProviderFailed, "")
            }
        }
    }
}

impl InApp {
    async fn put(&self, message: &Message) -> Result<InboxId, DbErr> {
        let item = Item {
            id: InboxId::generate(),
            account: message.address.clone(),
            notification: message.notification.clone(),
            reference: message.reference.clone(),
            text: ItemText {
                subject: message.subject.clone(),
                body: message.body.clone(),
                actions: message.links.iter().map(|link| link.action.clone()).collect(),
            },
            created_at: message.at,
            read_at: None,
        };
        let tx = self.db.begin().await?;
        inbox::insert(&tx, &self.cipher, &item).await?;
        tx.commit().await?;
        Ok(item.id)
    }
}
