//! Webhooks and deliveries, as `mpp-migrations` makes them.

#![expect(unreachable_pub, reason = "the derive writes pub")]

/// Addresses that are told of events. The body is encrypted.
pub(crate) mod endpoint {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "webhook_endpoint")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub owner_id: String,
        pub state: String,
        pub disable_reason: Option<String>,
        pub failing_since: Option<DateTimeUtc>,
        pub last_problem: String,
        pub planned_seq: i64,
        pub version: i32,
        pub body: String,
        pub created_at: DateTimeUtc,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// One message to one address.
pub(crate) mod delivery {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "webhook_delivery")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub endpoint_id: String,
        pub event_seq: i64,
        pub event_id: String,
        pub kind: String,
        pub state: String,
        pub attempt_count: i32,
        pub due_at: DateTimeUtc,
        pub body: String,
        pub attempts: String,
        pub created_at: DateTimeUtc,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
