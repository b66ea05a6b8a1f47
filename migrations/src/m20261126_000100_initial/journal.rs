//! The engine's journal. Times are milliseconds since 1970, structured values JSON
//! text: a page's text may contain U+0000, which PostgreSQL's `jsonb` can't store.
//! There are no foreign keys: only the journal writes these tables, holding a lock
//! on the run.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;
use sea_orm_migration::sea_orm::DbBackend;

use super::index::{index, newest_first, unique};

/// In the order in which they are created.
pub(super) const TABLES: [&str; 7] =
    ["runs", "events", "items", "dead_letters", "workers", "audit", "controls"];

/// Leaves space on each page for later versions of its rows: a run changes some five
/// times soon after it was created, and no index is written when the new version
/// fits beside the old one.
pub(super) const POSTGRES_STORAGE: [&str; 2] =
    ["ALTER TABLE runs SET (fillfactor = 50)", "ALTER TABLE items SET (fillfactor = 50)"];

pub(super) fn tables(backend: DbBackend) -> Vec<TableCreateStatement> {
    vec![runs(), events(backend), items(), dead_letters(), workers(), audit(), controls()]
}

pub(super) fn indexes(backend: DbBackend) -> Vec<IndexCreateStatement> {
    let mut indexes = [runs_indexes(), items_indexes(), dead_letters_indexes()].concat();
    if backend != DbBackend::Sqlite {
        indexes.push(unique("events_position_key", "events", &["position"]));
    }
    indexes
}

/// `due_at_ms` and `held_by` repeat what `attempts` says while the run's own slot is
/// open, so that they can be indexed.
fn runs() -> TableCreateStatement {
    Table::create()
        .table("runs")
        .col(uuid("id").primary_key())
        .col(string_len("definition", 64))
        .col(integer("version"))
        .col(string_len("tenant", 64))
        .col(small_integer("priority"))
        .col(string_len("on_item_failure", 10))
        .col(text("input"))
        .col(string_len("status", 10))
        .col(integer("step"))
        .col(text("attempts"))
        .col(big_integer("items_total"))
        .col(big_integer("items_done"))
        .col(big_integer("items_failed"))
        .col(text("outputs"))
        .col(text_null("error"))
        .col(big_integer("seq"))
        .col(big_integer("created_at_ms"))
        .col(big_integer_null("started_at_ms"))
        .col(big_integer_null("finished_at_ms"))
        .col(big_integer_null("due_at_ms"))
        .col(string_len_null("held_by", 128))
        .col(big_integer_null("pruned_at_ms"))
        .to_owned()
}

fn runs_indexes() -> Vec<IndexCreateStatement> {
    let due = || Expr::col("due_at_ms").is_not_null();
    vec![
        newest_first("runs_due_idx", "runs", &["definition"], &["priority"])
            .col("due_at_ms")
            .and_where(due())
            .to_owned(),
        index("runs_held_idx", "runs", &["held_by"]).and_where(Expr::col("held_by").is_not_null()).to_owned(),
        newest_first("runs_created_idx", "runs", &[], &["created_at_ms", "id"]),
        newest_first("runs_tenant_created_idx", "runs", &["tenant"], &["created_at_ms", "id"]),
        newest_first("runs_status_created_idx", "runs", &["status"], &["created_at_ms", "id"]),
        // A run is `retrying` from the failure of its own slot to the next attempt.
        newest_first("runs_retry_idx", "runs", &[], &["due_at_ms"])
            .and_where(due())
            .and_where(Expr::col("status").eq("retrying"))
            .to_owned(),
        // Ended runs that still have a history, the longest ended first.
        index("runs_unpruned_idx", "runs", &["finished_at_ms"])
            .and_where(Expr::col("finished_at_ms").is_not_null())
            .and_where(Expr::col("pruned_at_ms").is_null())
            .to_owned(),
    ]
}

/// `position` orders the events of all runs for those who follow them. SQLite never
/// reuses numbers only for an integer primary key, so there the actual key, run and
/// sequence, is a unique constraint.
fn events(backend: DbBackend) -> TableCreateStatement {
    let mut key = Index::create();
    key.name("events_pkey").col("run_id").col("seq");
    let mut position = big_integer("position").auto_increment().to_owned();
    if backend == DbBackend::Sqlite {
        position.primary_key();
        key.unique();
    } else {
        key.primary();
    }
    Table::create()
        .table("events")
        .col(position)
        .col(uuid("run_id"))
        .col(big_integer("seq"))
        .col(big_integer("at_ms"))
        .col(text("event"))
        .index(&mut key)
        .to_owned()
}

/// `definition` and `priority` repeat the run's, which never change, so that one
/// index finds the most urgent due items. `due_at_ms` and `held_by` are null once the
/// run has ended.
fn items() -> TableCreateStatement {
    Table::create()
        .table("items")
        .col(uuid("run_id"))
        .col(integer("step"))
        .col(big_integer("item"))
        .col(string_len("definition", 64))
        .col(small_integer("priority"))
        .col(string_len("status", 10))
        .col(big_integer("epoch"))
        .col(text("attempts"))
        .col(text_null("error"))
        .col(text_null("output"))
        .col(big_integer_null("due_at_ms"))
        .col(string_len_null("held_by", 128))
        .primary_key(Index::create().name("items_pkey").col("run_id").col("step").col("item"))
        .to_owned()
}

fn items_indexes() -> Vec<IndexCreateStatement> {
    let due = || Expr::col("due_at_ms").is_not_null();
    vec![
        newest_first("items_due_idx", "items", &["definition"], &["priority"])
            .col("due_at_ms")
            .and_where(due())
            .to_owned(),
        index("items_held_idx", "items", &["held_by"])
            .and_where(Expr::col("held_by").is_not_null())
            .to_owned(),
        // An item keeps its last failure until it is done.
        newest_first("items_retry_idx", "items", &[], &["due_at_ms"])
            .and_where(due())
            .and_where(Expr::col("error").is_not_null())
            .to_owned(),
    ]
}

fn dead_letters() -> TableCreateStatement {
    Table::create()
        .table("dead_letters")
        .col(uuid("id").primary_key())
        .col(uuid("run_id"))
        .col(string_len("definition", 64))
        .col(string_len("tenant", 64))
        .col(integer("step"))
        .col(big_integer_null("item"))
        .col(text("reason"))
        .col(big_integer("attempts"))
        .col(text("error"))
        .col(big_integer("at_ms"))
        .col(string_len("step_name", 64).default(""))
        .col(string_len("code", 128).default(""))
        .col(string_len_null("digest", 64))
        .col(string_len("fingerprint", 16).default(""))
        .col(string_len("state", 10).default("waiting"))
        .col(big_integer_null("settled_at_ms"))
        .col(string_len_null("settled_by", 128))
        .col(text_null("settled_why"))
        .col(uuid_null("bulk"))
        // The row of a run that can't be read, as it was found.
        .col(text_null("raw"))
        .to_owned()
}

/// Lists by each column that dead letters are filtered by, the newest first.
fn dead_letters_indexes() -> Vec<IndexCreateStatement> {
    let filters = [
        ("dead_letters_run_id_at_idx", "run_id"),
        ("dead_letters_tenant_at_idx", "tenant"),
        ("dead_letters_definition_at_idx", "definition"),
        ("dead_letters_step_name_at_idx", "step_name"),
        ("dead_letters_reason_at_idx", "reason"),
        ("dead_letters_code_at_idx", "code"),
        ("dead_letters_digest_at_idx", "digest"),
        ("dead_letters_fingerprint_at_idx", "fingerprint"),
        ("dead_letters_state_at_idx", "state"),
        ("dead_letters_bulk_at_idx", "bulk"),
    ];
    let mut indexes: Vec<_> = filters
        .map(|(name, column)| newest_first(name, "dead_letters", &[column], &["at_ms", "id"]))
        .to_vec();
    indexes.push(newest_first("dead_letters_at_idx", "dead_letters", &[], &["at_ms", "id"]));
    indexes
}

fn workers() -> TableCreateStatement {
    Table::create()
        .table("workers")
        .col(string_len("name", 128).primary_key())
        .col(big_integer("started_at_ms"))
        .col(big_integer("heartbeat_at_ms"))
        .to_owned()
}

/// What operators did.
fn audit() -> TableCreateStatement {
    Table::create()
        .table("audit")
        .col(big_integer("position").auto_increment().primary_key())
        .col(big_integer("at_ms"))
        .col(string_len("actor", 128))
        .col(string_len("action", 64))
        .col(string_len("subject", 200))
        .col(text("detail"))
        .to_owned()
}

/// Operators' settings of queues and tenants. A row is never deleted: resetting is a
/// change, too, and other processes find changes by their revision.
fn controls() -> TableCreateStatement {
    Table::create()
        .table("controls")
        .col(string_len("kind", 16))
        .col(string_len("name", 64))
        .col(text("value"))
        .col(big_integer("revision").unique_key())
        .primary_key(Index::create().name("controls_pkey").col("kind").col("name"))
        .to_owned()
}
