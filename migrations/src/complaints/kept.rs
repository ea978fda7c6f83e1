//! Help that ended with its case, chats that nobody writes in any longer, what waits at an office, how reporters rate what was
//! settled, and how many reports without a contact a network sent today.

use sea_orm::ConnectionTrait as _;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, integer_null, string, timestamp_with_time_zone, timestamp_with_time_zone_null,
};

/// Its tables, column and indexes.
pub(super) struct Kept;

impl MigrationName for Kept {
    fn name(&self) -> &'static str {
        "complaints_0011_kept"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Kept {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let touched = timestamp_with_time_zone_null("touched_at");
        manager.alter_table(Table::alter().table("chat").add_column(touched).take()).await?;
        // A chat is as old as its last message; one without any is older than messages are kept.
        for sql in [
            "UPDATE helper SET done_at = (SELECT closed_at FROM complaint WHERE complaint.id = helper.complaint_id) \
             WHERE done_at IS NULL \
             AND complaint_id IN (SELECT id FROM complaint WHERE is_closed AND closed_at IS NOT NULL)",
            "UPDATE chat SET touched_at = (SELECT MAX(arrived_at) FROM channel_message \
             WHERE channel_message.conversation = chat.conversation)",
            "DELETE FROM chat WHERE touched_at IS NULL AND asked_at IS NULL",
            "UPDATE chat SET touched_at = asked_at WHERE touched_at IS NULL",
        ] {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        manager.create_index(super::index("chat_touched", "chat", &["touched_at"])).await?;
        // On which day, by the local calendar, cases were opened again before is not told apart here: it counts from now.
        let reopened = big_integer("reopened").default(0).take();
        manager.alter_table(Table::alter().table("board_day").add_column(reopened).take()).await?;
        let waiting = Index::create()
            .name("escalation_office")
            .table("escalation")
            .col("official_id")
            .col("at")
            .col("id")
            .cond_where(Condition::all().add(Expr::col("acknowledged_at").is_null()))
            .take();
        manager.create_index(waiting).await?;
        let rating = Table::create()
            .table("rating")
            .col(string("complaint_id"))
            .col(string("pseudonym"))
            .col(timestamp_with_time_zone("settled_at"))
            // 1 to 5; none while nothing was said.
            .col(integer_null("rating").check(Expr::col("rating").between(1, 5)))
            .col(timestamp_with_time_zone_null("rated_at"))
            .primary_key(
                Index::create().name("rating_pk").col("complaint_id").col("pseudonym").col("settled_at"),
            )
            .take();
        manager.create_table(rating).await?;
        let network = Table::create()
            .table("network_day")
            .col(string("day"))
            // Keyed, and another one each day.
            .col(string("digest"))
            .col(big_integer("n"))
            .primary_key(Index::create().name("network_day_pk").col("day").col("digest"))
            .take();
        manager.create_table(network).await?;
        for (name, column) in [("rating_settled", "settled_at"), ("rating_rated", "rated_at")] {
            manager.create_index(super::index(name, "rating", &[column])).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["network_day", "rating"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        for (index, table) in [("escalation_office", "escalation"), ("chat_touched", "chat")] {
            manager.drop_index(Index::drop().name(index).table(table).to_owned()).await?;
        }
        for (table, column) in [("board_day", "reopened"), ("chat", "touched_at")] {
            manager.alter_table(Table::alter().table(table).drop_column(column).take()).await?;
        }
        Ok(())
    }
}
