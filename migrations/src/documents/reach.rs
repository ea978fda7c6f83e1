//! Indexes for the worklists of those whose grant lies above the level of a role: a page of what waits in a sub-district, a
//! regency, a province or anywhere is read as it stands in an index, like that of one village.

use sea_orm_migration::prelude::*;

/// The indexes of worklists by reach.
pub(super) struct Reach;

impl MigrationName for Reach {
    fn name(&self) -> &'static str {
        "documents_0006_reach"
    }
}

/// What an index begins with, by what it is for. Region codes have fixed widths (`17.07.05.2003`, then `/002` for an RW), so
/// what lies in a region begins with as many characters as its code has. One text for both engines.
pub(super) const INDEXES: [(&str, &str); 6] = [
    ("work_item_anywhere", ""),
    ("work_item_province", "substr(area, 1, 2), "),
    ("work_item_regency", "substr(area, 1, 5), "),
    ("work_item_sub_district", "substr(area, 1, 8), "),
    ("work_item_village", "substr(area, 1, 13), "),
    ("work_item_rw", "substr(area, 1, 17), "),
];

#[async_trait::async_trait]
impl MigrationTrait for Reach {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, begins) in INDEXES {
            let sql = format!("CREATE INDEX {name} ON work_item ({begins}role, due_at, application_id)");
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, _) in INDEXES {
            manager.drop_index(Index::drop().name(name).table("work_item").to_owned()).await?;
        }
        Ok(())
    }
}
