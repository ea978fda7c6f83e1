//! What the coordinator says was pasted at SP4N-LAPOR! by hand and nobody has seen there yet, and when an item was written there:
//! a file that is compared reaches back so far.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::timestamp_with_time_zone_null;

/// Its columns.
pub(super) struct Pasted;

/// In the order in which they are added.
const COLUMNS: [&str; 2] = ["pasted_until", "written_at"];

impl MigrationName for Pasted {
    fn name(&self) -> &'static str {
        "complaints_0010_pasted"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Pasted {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            let added = timestamp_with_time_zone_null(column);
            manager.alter_table(Table::alter().table("sp4n_entry").add_column(added).take()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS.into_iter().rev() {
            manager.alter_table(Table::alter().table("sp4n_entry").drop_column(column).take()).await?;
        }
        Ok(())
    }
}
