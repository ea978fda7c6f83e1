//! Tables in the shape of the queue's own (its entities are not public), for the ceilings of SQL: the same columns and
//! indexes and, on PostgreSQL, the same statement, so that the same rows cost the same.
#![expect(unreachable_pub, reason = "sea-orm's derive macro needs public items")]

use std::sync::LazyLock;

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
        pub epoch: i64,
        pub state: String,
        pub redis_run_id: String,
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
        pub request_id: Option<String>,
        pub date: String,
        pub kind: String,
        pub ticket_id: Option<String>,
        pub ticket_version: Option<i32>,
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
        pub series: String,
        pub ordinal: i32,
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
        pub ticket_id: String,
        pub counter_id: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The indexes that the migrations of the queue make besides primary keys and unique columns.
const INDEXES: [&str; 8] = [
    "CREATE UNIQUE INDEX load_event_request ON load_event (hall, date, request_id)",
    "CREATE UNIQUE INDEX load_event_version ON load_event (ticket_id, ticket_version)",
    "CREATE INDEX load_event_date ON load_event (hall, date, seq)",
    "CREATE INDEX load_event_kind ON load_event (hall, kind, seq)",
    "CREATE UNIQUE INDEX load_ticket_ordinal ON load_ticket (hall, date, series, ordinal)",
    "CREATE UNIQUE INDEX load_ticket_number ON load_ticket (hall, date, number)",
    "CREATE UNIQUE INDEX load_serving_ticket ON load_serving (ticket_id) WHERE to_seq IS NULL",
    "CREATE UNIQUE INDEX load_serving_counter ON load_serving (counter_id) WHERE to_seq IS NULL",
];

const HALL: &str = "hal_01h455vb4pex5vsknk084sn02q";
const EPOCH: i64 = 1;
/// Tickets in one statement: SQLite takes 32,766 values.
const WAITING_AT_ONCE: usize = 500;

/// How the migrations of the queue let PostgreSQL store what is written.
const STORAGE: &str = "\
ALTER TABLE load_ticket SET (fillfactor = 50);
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)) THEN
        EXECUTE 'ALTER TABLE load_event ALTER COLUMN body SET COMPRESSION lz4';
        EXECUTE 'ALTER TABLE load_ticket ALTER COLUMN body SET COMPRESSION lz4';
    END IF;
END $$";

/// A text as long as the chain at a position.
fn chain(seq: i64) -> String {
    format!("{seq:064x}")
}

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
    for index in INDEXES {
        db.write.execute_unprepared(index).await.with_context(|| format!("making an index: {index}"))?;
    }
    if db.engine() == Engine::Postgres {
        db.write.execute_unprepared(STORAGE).await.context("saying how it is stored")?;
    }
    let row = shard::ActiveModel {
        hall: Set(HALL.to_owned()),
        epoch: Set(EPOCH),
        state: Set("active".to_owned()),
        redis_run_id: Set(String::new()),
        seq: Set(0),
        chain: Set(chain(0)),
    };
    shard::Entity::insert(row).exec_without_returning(&db.write).await?;
    Ok(())
}

/// Lets so many tickets wait to be called by what is measured next, and the shard row stand before their calls: single rows do not
/// move it.
pub(super) async fn stand_at(
    db: &Db,
    seq: i64,
    calls: usize,
    body: &str,
    at: DateTime<Utc>,
) -> anyhow::Result<()> {
    let all: Vec<i64> = (seq + 1..).take(calls).collect();
    for some in all.chunks(WAITING_AT_ONCE) {
        let waiting = some.iter().map(|seq| {
            let called = ticket_row(*seq, body, at);
            ticket::Model { version: 1, state: "waiting".to_owned(), counter_id: None, ..called }
                .into_active_model()
        });
        ticket::Entity::insert_many(waiting).exec_without_returning(&db.write).await?;
    }
    let moving = shard::Entity::update_many()
        .col_expr(shard::Column::Seq, Expr::value(seq))
        .col_expr(shard::Column::Chain, Expr::value(chain(seq)))
        .filter(shard::Column::Hall.eq(HALL));
    let moved = moving.exec(&db.write).await?.rows_affected;
    anyhow::ensure!(moved == 1, "the shard row is not there");
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

/// How many tickets were called, and how many are being served.
pub(super) async fn called(db: &Db) -> anyhow::Result<(u64, u64)> {
    let called = ticket::Entity::find().filter(ticket::Column::Version.gt(1)).count(&db.read).await?;
    let served = serving::Entity::find().filter(serving::Column::ToSeq.is_null()).count(&db.read).await?;
    Ok((called, served))
}

/// One row, one commit, one connection, through the ORM.
pub(super) async fn commit_one(db: &Db, seq: i64, body: &str, at: DateTime<Utc>) -> anyhow::Result<()> {
    event::Entity::insert(event_row(seq, body, at).into_active_model())
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
    body: &str,
    at: DateTime<Utc>,
) -> anyhow::Result<()> {
    let moved = match db.engine() {
        Engine::Postgres => {
            let statement = one_statement(from, operations, body, at);
            db.write.execute_raw(statement).await?.rows_affected() == 1
        }
        Engine::Sqlite => {
            let written = async {
                let all = statements(from, operations, body, at);
                let sql = all.iter().map(|one| one.sql.as_str()).collect::<Vec<_>>().join("; ");
                let values = all.into_iter().filter_map(|one| one.values).flat_map(|values| values.0);
                Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
            };
            let (tx, written) = tokio::join!(db.begin(), written);
            let tx = tx?;
            let moved = tx.query_all_raw(written).await?;
            tx.commit().await?;
            moved.len() == 1
        }
    };
    anyhow::ensure!(moved, "the shard row did not move");
    Ok(())
}

/// The rows of a flush on SQLite; the first statement hands the moved row back.
fn statements(from: i64, operations: i64, body: &str, at: DateTime<Utc>) -> Vec<Statement> {
    let seqs = || from + 1..=from + operations;
    let moving = shard::Entity::update_many()
        .col_expr(shard::Column::Seq, Expr::value(from + operations))
        .col_expr(shard::Column::Chain, Expr::value(chain(from + operations)))
        .filter(shard::Column::Hall.eq(HALL))
        .filter(shard::Column::Epoch.eq(EPOCH))
        .filter(shard::Column::State.eq("active"))
        .filter(shard::Column::Seq.eq(from))
        .filter(shard::Column::Chain.eq(chain(from)))
        .into_query()
        .returning_col(shard::Column::Seq)
        .to_owned();
    let newest = OnConflict::column(ticket::Column::Id)
        .update_columns([
            ticket::Column::Version,
            ticket::Column::State,
            ticket::Column::ServiceId,
            ticket::Column::AgencyId,
            ticket::Column::CounterId,
            ticket::Column::Body,
        ])
        .to_owned();
    let events = event::Entity::insert_many(seqs().map(|seq| event_row(seq, body, at).into_active_model()));
    let tickets =
        ticket::Entity::insert_many(seqs().map(|seq| ticket_row(seq, body, at).into_active_model()));
    let servings = serving::Entity::insert_many(seqs().map(|seq| serving_row(seq).into_active_model()));
    vec![
        DbBackend::Sqlite.build(&moving),
        events.build(DbBackend::Sqlite),
        tickets.on_conflict(newest).build(DbBackend::Sqlite),
        servings.build(DbBackend::Sqlite),
    ]
}

/// The statement of the suite, but for the names of the tables.
static FLUSH: LazyLock<String> =
    LazyLock::new(|| include_str!("../../../services/queue/src/store/flush.sql").replace("queue_", "load_"));

fn one_statement(from: i64, operations: i64, body: &str, at: DateTime<Utc>) -> Statement {
    let seqs = || from + 1..=from + operations;
    let events: Vec<event::Model> = seqs().map(|seq| event_row(seq, body, at)).collect();
    let tickets: Vec<ticket::Model> = seqs().map(|seq| ticket_row(seq, body, at)).collect();
    let servings: Vec<serving::Model> = seqs().map(serving_row).collect();
    let or_none = |text: &Option<String>| text.clone().unwrap_or_default();
    let values: Vec<Value> = vec![
        (from + operations).into(),
        chain(from + operations).into(),
        HALL.into(),
        EPOCH.into(),
        from.into(),
        chain(from).into(),
        column(&events, |row| row.seq),
        column(&events, |row| row.event_id.clone()),
        column(&events, |row| or_none(&row.request_id)),
        column(&events, |row| row.date.clone()),
        column(&events, |row| row.kind.clone()),
        column(&events, |row| or_none(&row.ticket_id)),
        column(&events, |row| row.ticket_version.unwrap_or_default()),
        column(&events, |row| or_none(&row.counter_id)),
        column(&events, |row| row.actor.clone()),
        column(&events, |row| row.actor_kind.clone()),
        column(&events, |row| row.at),
        column(&events, |row| row.chain.clone()),
        column(&events, |row| row.body.clone()),
        column(&tickets, |row| row.id.clone()),
        column(&tickets, |row| row.date.clone()),
        column(&tickets, |row| row.series.clone()),
        column(&tickets, |row| row.ordinal),
        column(&tickets, |row| row.number.clone()),
        column(&tickets, |row| row.token.clone()),
        column(&tickets, |row| row.version),
        column(&tickets, |row| row.state.clone()),
        column(&tickets, |row| row.service_id.clone()),
        column(&tickets, |row| row.agency_id.clone()),
        column(&tickets, |row| or_none(&row.counter_id)),
        column(&tickets, |row| row.arrived_at),
        column(&tickets, |row| row.body.clone()),
        // Nobody is let go.
        Vec::<String>::new().into(),
        Vec::<i64>::new().into(),
        column(&servings, |row| row.from_seq),
        column(&servings, |row| row.to_seq.unwrap_or_default()),
        column(&servings, |row| row.ticket_id.clone()),
        column(&servings, |row| row.counter_id.clone()),
    ];
    Statement::from_sql_and_values(DbBackend::Postgres, FLUSH.as_str(), values)
}

/// One column of rows, as an array of PostgreSQL.
fn column<R, T>(rows: &[R], of: impl Fn(&R) -> T) -> Value
where
    Vec<T>: Into<Value>,
{
    rows.iter().map(of).collect::<Vec<T>>().into()
}

fn event_row(seq: i64, body: &str, at: DateTime<Utc>) -> event::Model {
    event::Model {
        hall: HALL.to_owned(),
        seq,
        epoch: EPOCH,
        // In order of time, as those of the suite.
        event_id: format!("evt_{seq:026x}"),
        request_id: Some(format!("acc_01h455vb4pex5vsknk084sn02q/{:032x}", rand::random::<u128>())),
        date: "2026-11-21".to_owned(),
        kind: "ticket_called".to_owned(),
        ticket_id: Some(format!("tkt_{seq:026x}")),
        ticket_version: Some(2),
        counter_id: Some("ctr_01h455vb4pex5vsknk084sn02q".to_owned()),
        actor: "acc_01h455vb4pex5vsknk084sn02q".to_owned(),
        actor_kind: "staff".to_owned(),
        at,
        chain: chain(seq),
        body: body.to_owned(),
    }
}

fn ticket_row(seq: i64, body: &str, at: DateTime<Utc>) -> ticket::Model {
    ticket::Model {
        id: format!("tkt_{seq:026x}"),
        hall: HALL.to_owned(),
        date: "2026-11-21".to_owned(),
        series: "L".to_owned(),
        ordinal: i32::try_from(seq).unwrap_or(i32::MAX),
        number: format!("L{seq:09}"),
        token: format!("{:032x}", rand::random::<u128>()),
        version: 2,
        state: "called".to_owned(),
        service_id: "svc_01h455vb4pex5vsknk084sn02q".to_owned(),
        agency_id: "agc_01h455vb4pex5vsknk084sn02q".to_owned(),
        counter_id: Some("ctr_01h455vb4pex5vsknk084sn02q".to_owned()),
        arrived_at: at,
        // An event holds the ticket and little else.
        body: body.get(..body.len() * 3 / 4).unwrap_or(body).to_owned(),
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
