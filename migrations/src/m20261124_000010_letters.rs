//! Dead letters say more, and what became of them; an audit of what operators
//! did.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(Clone, Copy, DeriveIden)]
enum DeadLetters {
    Table,
    Id,
    Definition,
    Tenant,
    StepName,
    Reason,
    Code,
    Digest,
    Fingerprint,
    AtMs,
    State,
    SettledAtMs,
    SettledBy,
    SettledWhy,
    Bulk,
}

#[derive(DeriveIden)]
enum Audit {
    Table,
    Position,
    AtMs,
    Actor,
    Action,
    Subject,
    Detail,
}

/// What letters are looked for by, and the name of the index for it. Each list
/// is newest first.
const INDEXES: [(&str, DeadLetters); 9] = [
    ("dead_letters_tenant_at_idx", DeadLetters::Tenant),
    ("dead_letters_definition_at_idx", DeadLetters::Definition),
    ("dead_letters_step_name_at_idx", DeadLetters::StepName),
    ("dead_letters_reason_at_idx", DeadLetters::Reason),
    ("dead_letters_code_at_idx", DeadLetters::Code),
    ("dead_letters_digest_at_idx", DeadLetters::Digest),
    ("dead_letters_fingerprint_at_idx", DeadLetters::Fingerprint),
    ("dead_letters_state_at_idx", DeadLetters::State),
    ("dead_letters_bulk_at_idx", DeadLetters::Bulk),
];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for mut column in columns() {
            // SQLite adds one column a statement.
            let add = Table::alter().table(DeadLetters::Table).add_column(&mut column).to_owned();
            manager.alter_table(add).await?;
        }
        let fill = describe(manager.get_database_backend());
        manager.get_connection().execute_unprepared(fill).await?;
        for (name, column) in INDEXES {
            let index = Index::create()
                .name(name)
                .table(DeadLetters::Table)
                .col(column)
                .col((DeadLetters::AtMs, IndexOrder::Desc))
                .col((DeadLetters::Id, IndexOrder::Desc))
                .to_owned();
            manager.create_index(index).await?;
        }
        manager.create_table(audit()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(Audit::Table).to_owned()).await?;
        for (name, _) in INDEXES {
            let index = Index::drop().name(name).table(DeadLetters::Table).to_owned();
            manager.drop_index(index).await?;
        }
        for column in columns() {
            let drop =
                Table::alter().table(DeadLetters::Table).drop_column(column.get_column_name()).to_owned();
            manager.alter_table(drop).await?;
        }
        Ok(())
    }
}

fn columns() -> Vec<ColumnDef> {
    vec![
        string_len(DeadLetters::StepName, 64).default("").to_owned(),
        string_len(DeadLetters::Code, 128).default("").to_owned(),
        string_len_null(DeadLetters::Digest, 64).to_owned(),
        string_len(DeadLetters::Fingerprint, 16).default("").to_owned(),
        string_len(DeadLetters::State, 10).default("waiting").to_owned(),
        big_integer_null(DeadLetters::SettledAtMs).to_owned(),
        string_len_null(DeadLetters::SettledBy, 128).to_owned(),
        text_null(DeadLetters::SettledWhy).to_owned(),
        uuid_null(DeadLetters::Bulk).to_owned(),
    ]
}

/// Letters of before: their code stands in their error, their step had a name.
/// What they were pinned to and their fingerprint are not known.
fn describe(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => {
            "UPDATE dead_letters SET code = error::json->>'code', step_name = CASE step \
             WHEN 0 THEN 'download' WHEN 1 THEN 'ocr' WHEN 2 THEN 'upload-result' ELSE 'finalize' END"
        }
        _ => {
            "UPDATE dead_letters SET code = json_extract(error, '$.code'), step_name = CASE step \
             WHEN 0 THEN 'download' WHEN 1 THEN 'ocr' WHEN 2 THEN 'upload-result' ELSE 'finalize' END"
        }
    }
}

fn audit() -> TableCreateStatement {
    Table::create()
        .table(Audit::Table)
        .col(big_integer(Audit::Position).auto_increment().primary_key())
        .col(big_integer(Audit::AtMs))
        .col(string_len(Audit::Actor, 128))
        .col(string_len(Audit::Action, 64))
        .col(string_len(Audit::Subject, 200))
        .col(text(Audit::Detail))
        .to_owned()
}
