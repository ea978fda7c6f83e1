//! Where a case lies on the grid of the map: hundredths of a degree, rounded as the place of a reporter who is not shown is. A
//! map and the list of one of its squares ask these columns alone, so that they agree, and need no exact point.

use sea_orm::{ConnectionTrait as _, DbBackend};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::integer_null;

/// Its columns, filled in for what is there.
pub(super) struct Grid;

impl MigrationName for Grid {
    fn name(&self) -> &'static str {
        "complaints_0007_grid"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Grid {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["grid_lat", "grid_lon"] {
            let table = Table::alter().table("complaint").add_column(integer_null(column)).take();
            manager.alter_table(table).await?;
        }
        // Half of a hundredth goes away from zero on both, as in the service.
        let fill = if manager.get_database_backend() == DbBackend::Postgres {
            "UPDATE complaint SET grid_lat = round((latitude * 100)::numeric)::integer, \
             grid_lon = round((longitude * 100)::numeric)::integer \
             WHERE latitude IS NOT NULL AND longitude IS NOT NULL"
        } else {
            "UPDATE complaint SET grid_lat = CAST(round(latitude * 100) AS INTEGER), \
             grid_lon = CAST(round(longitude * 100) AS INTEGER) \
             WHERE latitude IS NOT NULL AND longitude IS NOT NULL"
        };
        manager.get_connection().execute_unprepared(fill).await?;
        let index = Index::create()
            .name("complaint_grid")
            .table("complaint")
            .col("grid_lat")
            .col("grid_lon")
            .col("is_closed")
            .cond_where(Condition::all().add(Expr::col("grid_lat").is_not_null()))
            .take();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("complaint_grid").table("complaint").to_owned()).await?;
        for column in ["grid_lon", "grid_lat"] {
            let table = Table::alter().table("complaint").drop_column(column).take();
            manager.alter_table(table).await?;
        }
        Ok(())
    }
}
