//! An index for what is opened by a few digits: how often they were wrong of late is counted at each try, however much else the
//! journal holds of the same document.

use sea_orm_migration::prelude::*;

/// The index of the journal by what was done to one thing.
pub(super) struct Tries;

const NAME: &str = "journal_subject_what_at";

impl MigrationName for Tries {
    fn name(&self) -> &'static str {
        "documents_0011_tries"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Tries {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::create().name(NAME).table("journal").col("subject").col("what").col("at").take();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(NAME).table("journal").to_owned()).await
    }
}
