//! An index for what is scanned: a file that is brought for one letter is looked for among those of others.

use sea_orm_migration::prelude::*;

/// The index of files by their digest.
pub(super) struct SameFile;

const NAME: &str = "stored_file_sha256";

impl MigrationName for SameFile {
    fn name(&self) -> &'static str {
        "documents_0015_same_file"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for SameFile {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index =
            Index::create().name(NAME).table("stored_file").col("sha256").col("application_id").take();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(NAME).table("stored_file").to_owned()).await
    }
}
