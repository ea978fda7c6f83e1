//! What a version of a letter type says with everything that its definition refers to written out, so that what a later release
//! ships beside definitions changes nothing of it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text_null;

/// The text beside the definition.
pub(super) struct Frozen;

impl MigrationName for Frozen {
    fn name(&self) -> &'static str {
        "documents_0012_frozen"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Frozen {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Empty for drafts, and for what was published before until the service has written it out.
        let table = Table::alter().table("letter_type").add_column(text_null("frozen")).take();
        manager.alter_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("letter_type").drop_column("frozen").take()).await
    }
}
