//! Licences of other systems, as `mpp-migrations` makes them.

#![expect(unreachable_pub, reason = "the derive writes pub")]

/// Licences. The body is encrypted.
pub(crate) mod licence {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "licence")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub source: String,
        pub source_key: String,
        pub nib: String,
        pub oss_id: String,
        pub area: String,
        pub status_code: Option<String>,
        pub application_id: Option<String>,
        pub version: i32,
        pub changed: i64,
        pub body: String,
        pub created_at: DateTimeUtc,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What is told to OSS. The body is encrypted.
pub(crate) mod message {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "licence_message")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub licence_id: String,
        pub number: i32,
        pub cause: String,
        pub kind: String,
        pub status_code: String,
        pub state: String,
        pub attempt_count: i32,
        pub unclear: bool,
        pub due_at: DateTimeUtc,
        pub body: String,
        pub answer: String,
        pub created_at: DateTimeUtc,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What OSS sent and was taken.
pub(crate) mod receipt {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "oss_receipt")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub nib: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub oss_id: String,
        pub digest: String,
        pub times: i32,
        pub first_at: DateTimeUtc,
        pub last_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// How far other systems were read.
pub(crate) mod cursor {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "poll_cursor")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub value: String,
        pub updated_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
