//! Tables in the shape of the queue's own (its entities are not public), for the ceilings of SQL: the same columns and
//! indexes, so that the same rows cost the same.
#![expect(unreachable_pub, reason = "sea-orm's derive macro needs public items")]

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use mpp_kit::db::{Db, Engine};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait as _, DbBackend, EntityTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryTrait as _, Schema, Statement, Value,
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
    event::Entity::insert(event_row(seq, bytes, at).into_active_model())
        .exec_without_returning(&db.write)
        .await?;
    Ok(())
}

/// What a flush of `operations` calls writes, in one transaction: the shard row moves on, an event, a ticket and a
/// serving interval for each. In as few trips as the engine permits, as the queue does it: a ceiling that is paid in trips
/// which the suite does not make would flatter the suite.
pub(super) async fn commit_batch(
    db: &Db,
    from: i64,
    operations: i64,
    bytes: usize,
    at: DateTime<Utc>,
) -> anyhow::Result<()> {
    let moved = match db.engine() {
        Engine::Postgres => {
            let statement = one_statement(from, operations, bytes, at);
            db.write.execute_raw(statement).await?.rows_affected() == 1
        }
        Engine::Sqlite => {
            let all = statements(from, operations, bytes, at);
            let sql = all.iter().map(|one| one.sql.as_str()).collect::<Vec<_>>().join("; ");
            let values = all.into_iter().filter_map(|one| one.values).flat_map(|values| values.0);
            let tx = db.begin().await?;
            let moved =
                tx.query_all_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)).await?;
            tx.commit().await?;
            moved.len() == 1
        }
    };
    anyhow::ensure!(moved, "the shard row did not move");
    Ok(())
}

/// The rows of a flush on SQLite; the first statement hands the moved row back.
fn statements(from: i64, operations: i64, bytes: usize, at: DateTime<Utc>) -> Vec<Statement> {
    let seqs = || from + 1..=from + operations;
    let moving = shard::Entity::update_many()
        .col_expr(shard::Column::Seq, Expr::value(from + operations))
        .col_expr(shard::Column::Chain, Expr::value(format!("{from:064x}")))
        .filter(shard::Column::Hall.eq(HALL))
        .into_query()
        .returning_col(shard::Column::Seq)
        .to_owned();
    let newest = OnConflict::column(ticket::Column::Id)
        .update_columns([
            ticket::Column::Version,
            ticket::Column::State,
            ticket::Column::CounterId,
            ticket::Column::Body,
        ])
        .to_owned();
    let events = event::Entity::insert_many(seqs().map(|seq| event_row(seq, bytes, at).into_active_model()));
    let tickets =
        ticket::Entity::insert_many(seqs().map(|seq| ticket_row(seq, bytes, at).into_active_model()));
    let servings = serving::Entity::insert_many(seqs().map(|seq| serving_row(seq).into_active_model()));
    vec![
        DbBackend::Sqlite.build(&moving),
        events.build(DbBackend::Sqlite),
        tickets.on_conflict(newest).build(DbBackend::Sqlite),
        servings.build(DbBackend::Sqlite),
    ]
}

/// A flush on PostgreSQL: one statement, a transaction of its own.
const FLUSH: &str = "\
WITH moved AS (
    UPDATE load_shard SET seq = $1, chain = $2 WHERE hall = $3 RETURNING hall
), written AS (
    INSERT INTO load_event (hall, seq, epoch, event_id, request_id, date, kind, ticket_step, counter_id, actor, actor_kind,
        at, chain, body)
    SELECT moved.hall, e.* FROM moved, UNNEST($4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::text[], $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::text[], $16::text[]) AS e
), folded AS (
    INSERT INTO load_ticket (hall, id, date, number, token, version, state, service_id, agency_id, counter_id, arrived_at,
        body)
    SELECT moved.hall, t.* FROM moved, UNNEST($17::text[], $18::text[], $19::text[], $20::text[], $21::integer[],
        $22::text[], $23::text[], $24::text[], $25::text[], $26::timestamptz[], $27::text[]) AS t
    ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version, state = EXCLUDED.state,
        counter_id = EXCLUDED.counter_id, body = EXCLUDED.body
), opened AS (
    INSERT INTO load_serving (hall, from_seq, ticket_id, counter_id)
    SELECT moved.hall, o.* FROM moved, UNNEST($28::bigint[], $29::text[], $30::text[]) AS o
)
SELECT 1 FROM moved";

fn one_statement(from: i64, operations: i64, bytes: usize, at: DateTime<Utc>) -> Statement {
    let seqs = || from + 1..=from + operations;
    let events: Vec<event::Model> = seqs().map(|seq| event_row(seq, bytes, at)).collect();
    let tickets: Vec<ticket::Model> = seqs().map(|seq| ticket_row(seq, bytes, at)).collect();
    let servings: Vec<serving::Model> = seqs().map(serving_row).collect();
    let values: Vec<Value> = vec![
        (from + operations).into(),
        format!("{from:064x}").into(),
        HALL.into(),
        column(&events, |row| row.seq),
        column(&events, |row| row.epoch),
        column(&events, |row| row.event_id.clone()),
        column(&events, |row| row.request_id.clone().unwrap_or_default()),
        column(&events, |row| row.date.clone()),
        column(&events, |row| row.kind.clone()),
        column(&events, |row| row.ticket_step.clone()),
        column(&events, |row| row.counter_id.clone().unwrap_or_default()),
        column(&events, |row| row.actor.clone()),
        column(&events, |row| row.actor_kind.clone()),
        column(&events, |row| row.at),
        column(&events, |row| row.chain.clone()),
        column(&events, |row| row.body.clone()),
        column(&tickets, |row| row.id.clone()),
        column(&tickets, |row| row.date.clone()),
        column(&tickets, |row| row.number.clone()),
        column(&tickets, |row| row.token.clone()),
        column(&tickets, |row| row.version),
        column(&tickets, |row| row.state.clone()),
        column(&tickets, |row| row.service_id.clone()),
        column(&tickets, |row| row.agency_id.clone()),
        column(&tickets, |row| row.counter_id.clone().unwrap_or_default()),
        column(&tickets, |row| row.arrived_at),
        column(&tickets, |row| row.body.clone()),
        column(&servings, |row| row.from_seq),
        column(&servings, |row| row.ticket_id.clone()),
        column(&servings, |row| row.counter_id.clone()),
    ];
    Statement::from_sql_and_values(DbBackend::Postgres, FLUSH, values)
}

/// One column of rows, as an array of PostgreSQL.
fn column<R, T>(rows: &[R], of: impl Fn(&R) -> T) -> Value
where
    Vec<T>: Into<Value>,
{
    rows.iter().map(of).collect::<Vec<T>>().into()
}

fn event_row(seq: i64, bytes: usize, at: DateTime<Utc>) -> event::Model {
    event::Model {
        hall: HALL.to_owned(),
        seq,
        epoch: 1,
        event_id: format!("evt_{:026x}", rand::random::<u64>()),
        request_id: Some(format!("acc_01h455vb4pex5vsknk084sn02q/{:032x}", rand::random::<u128>())),
        date: "2026-11-21".to_owned(),
        kind: "ticket_called".to_owned(),
        ticket_step: format!("tkt_{seq:026x} 2"),
        counter_id: Some("ctr_01h455vb4pex5vsknk084sn02q".to_owned()),
        actor: "acc_01h455vb4pex5vsknk084sn02q".to_owned(),
        actor_kind: "staff".to_owned(),
        at,
        chain: format!("{seq:064x}"),
        body: "x".repeat(bytes),
    }
}

fn ticket_row(seq: i64, bytes: usize, at: DateTime<Utc>) -> ticket::Model {
    ticket::Model {
        id: format!("tkt_{seq:026x}"),
        hall: HALL.to_owned(),
        date: "2026-11-21".to_owned(),
        number: format!("L{seq:09}"),
        token: format!("{:032x}", rand::random::<u128>()),
        version: 2,
        state: "called".to_owned(),
        service_id: "svc_01h455vb4pex5vsknk084sn02q".to_owned(),
        agency_id: "agc_01h455vb4pex5vsknk084sn02q".to_owned(),
        counter_id: Some("ctr_01h455vb4pex5vsknk084sn02q".to_owned()),
        arrived_at: at,
        // An event holds the ticket and little else.
        body: "x".repeat(bytes * 3 / 4),
    }
}

fn serving_row(seq: i64) -> serving::Model {
    serving::Model {
        hall: HALL.to_owned(),
        from_seq: seq,
        to_seq: None,
        ticket_id: format!("tkt_{seq:026x}"),
        counter_id: format!("ctr_{seq:026x}"),
    }
}
