//! Tables in the shape of the queue's own (its entities are not public), for the ceilings of SQL: the same columns and
//! indexes, so that the same rows cost the same.
#![expect(unreachable_pub, reason = "sea-orm's derive macro needs public items")]

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use mpp_kit::db::Db;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, Schema,
};

pub(super) mod shard {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "load_shard")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hall: String,
        pub seq: i64,
        pub chain: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod event {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "load_event")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hall: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        pub epoch: i64,
        #[sea_orm(unique)]
        pub event_id: String,
        #[sea_orm(unique)]
        pub request_id: Option<String>,
        pub date: String,
        pub kind: String,
        #[sea_orm(unique)]
        pub ticket_step: String,
        pub counter_id: Option<String>,
        pub actor: String,
        pub actor_kind: String,
        pub at: ChronoDateTimeUtc,
        pub chain: String,
        #[sea_orm(column_type = "Text")]
        pub body: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod ticket {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "load_ticket")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub hall: String,
        pub date: String,
        #[sea_orm(unique)]
        pub number: String,
        #[sea_orm(unique)]
        pub token: String,
        pub version: i32,
        pub state: String,
        pub service_id: String,
        pub agency_id: String,
        pub counter_id: Option<String>,
        pub arrived_at: ChronoDateTimeUtc,
        #[sea_orm(column_type = "Text")]
        pub body: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod serving {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "load_serving")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hall: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub from_seq: i64,
        pub to_seq: Option<i64>,
        #[sea_orm(unique)]
        pub ticket_id: String,
        pub counter_id: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

const HALL: &str = "hal_01h455vb4pex5vsknk084sn02q";

/// Makes the tables anew.
pub(super) async fn create(db: &Db) -> anyhow::Result<()> {
    let backend = db.write.get_database_backend();
    let schema = Schema::new(backend);
    for (name, mut table) in [
        ("load_shard", schema.create_table_from_entity(shard::Entity)),
        ("load_event", schema.create_table_from_entity(event::Entity)),
        ("load_ticket", schema.create_table_from_entity(ticket::Entity)),
        ("load_serving", schema.create_table_from_entity(serving::Entity)),
    ] {
        db.write.execute_unprepared(&format!("DROP TABLE IF EXISTS {name}")).await?;
        db.write.execute(table.if_not_exists()).await.with_context(|| format!("making the table {name}"))?;
    }
    let row = shard::ActiveModel { hall: Set(HALL.to_owned()), seq: Set(0), chain: Set(String::new()) };
    shard::Entity::insert(row).exec_without_returning(&db.write).await?;
    Ok(())
}

/// Removes the tables.
pub(super) async fn drop_all(db: &Db) -> anyhow::Result<()> {
    for name in ["load_shard", "load_event", "load_ticket", "load_serving"] {
        db.write.execute_unprepared(&format!("DROP TABLE IF EXISTS {name}")).await?;
    }
    Ok(())
}

/// How many events are there.
pub(super) async fn events(db: &Db) -> anyhow::Result<u64> {
    Ok(event::Entity::find().count(&db.read).await?)
}

/// One row, one commit, one connection, through the ORM.
pub(super) async fn commit_one(db: &Db, seq: i64, bytes: usize, at: DateTime<Utc>) -> anyhow::Result<()> {
    event::Entity::insert(event_row(seq, bytes, at)).exec_without_returning(&db.write).await?;
    Ok(())
}

/// What a flush of `operations` calls writes, in one transaction: the shard row moves on, an event, a ticket and a
/// serving interval for each.
pub(super) async fn commit_batch(
    db: &Db,
    from: i64,
    operations: i64,
    bytes: usize,
    at: DateTime<Utc>,
) -> anyhow::Result<()> {
    use sea_orm::sea_query::Expr;
    let seqs = || from + 1..=from + operations;
    let tx = db.begin().await?;
    let moved = shard::Entity::update_many()
        .col_expr(shard::Column::Seq, Expr::value(from + operations))
        .col_expr(shard::Column::Chain, Expr::value(format!("{from:064x}")))
        .filter(shard::Column::Hall.eq(HALL))
        .exec(&tx)
        .await?;
    anyhow::ensure!(moved.rows_affected == 1, "the shard row did not move");
    event::Entity::insert_many(seqs().map(|seq| event_row(seq, bytes, at)))
        .exec_without_returning(&tx)
        .await?;
    let newest = OnConflict::column(ticket::Column::Id)
        .update_columns([
            ticket::Column::Version,
            ticket::Column::State,
            ticket::Column::CounterId,
            ticket::Column::Body,
        ])
        .to_owned();
    ticket::Entity::insert_many(seqs().map(|seq| ticket_row(seq, bytes, at)))
        .on_conflict(newest)
        .exec_without_returning(&tx)
        .await?;
    serving::Entity::insert_many(seqs().map(serving_row)).exec_without_returning(&tx).await?;
    tx.commit().await?;
    Ok(())
}

fn event_row(seq: i64, bytes: usize, at: DateTime<Utc>) -> event::ActiveModel {
    event::ActiveModel {
        hall: Set(HALL.to_owned()),
        seq: Set(seq),
        epoch: Set(1),
        event_id: Set(format!("evt_{:026x}", rand::random::<u64>())),
        request_id: Set(Some(format!("acc_01h455vb4pex5vsknk084sn02q/{:032x}", rand::random::<u128>()))),
        date: Set("2026-11-21".to_owned()),
        kind: Set("ticket_called".to_owned()),
        ticket_step: Set(format!("tkt_{seq:026x} 2")),
        counter_id: Set(Some("ctr_01h455vb4pex5vsknk084sn02q".to_owned())),
        actor: Set("acc_01h455vb4pex5vsknk084sn02q".to_owned()),
        actor_kind: Set("staff".to_owned()),
        at: Set(at),
        chain: Set(format!("{seq:064x}")),
        body: Set("x".repeat(bytes)),
    }
}

fn ticket_row(seq: i64, bytes: usize, at: DateTime<Utc>) -> ticket::ActiveModel {
    ticket::ActiveModel {
        id: Set(format!("tkt_{seq:026x}")),
        hall: Set(HALL.to_owned()),
        date: Set("2026-11-21".to_owned()),
        number: Set(format!("L{seq:09}")),
        token: Set(format!("{:032x}", rand::random::<u128>())),
        version: Set(2),
        state: Set("called".to_owned()),
        service_id: Set("svc_01h455vb4pex5vsknk084sn02q".to_owned()),
        agency_id: Set("agc_01h455vb4pex5vsknk084sn02q".to_owned()),
        counter_id: Set(Some("ctr_01h455vb4pex5vsknk084sn02q".to_owned())),
        arrived_at: Set(at),
        // An event holds the ticket and little else.
        body: Set("x".repeat(bytes * 3 / 4)),
    }
}

fn serving_row(seq: i64) -> serving::ActiveModel {
    serving::ActiveModel {
        hall: Set(HALL.to_owned()),
        from_seq: Set(seq),
        to_seq: Set(None),
        ticket_id: Set(format!("tkt_{seq:026x}")),
        counter_id: Set(format!("ctr_{seq:026x}")),
    }
}
