//! The product's tables: users, their files and tasks, and the objects of these.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::index::{index, newest_first, unique};

/// In the order in which they are created.
pub(super) const TABLES: [&str; 8] =
    ["users", "files", "tasks", "removals", "uploads", "admissions", "passes", "erasures"];

pub(super) fn tables() -> Vec<TableCreateStatement> {
    vec![users(), files(), tasks(), removals(), uploads(), admissions(), passes(), erasures()]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        unique("users_email_key", "users", &["email"]),
        unique("files_s3_key_key", "files", &["s3_key"]),
        index("files_user_id_idx", "files", &["user_id"]),
        unique("tasks_user_id_idempotency_key_key", "tasks", &["user_id", "idempotency_key"]),
        // The tasks of a user, the newest first.
        newest_first("tasks_user_id_created_at_idx", "tasks", &["user_id"], &["created_at"])
            .col("id")
            .to_owned(),
        index("tasks_user_id_status_created_at_idx", "tasks", &["user_id", "status", "created_at"]),
        index("tasks_file_id_idx", "tasks", &["file_id"]),
        // Tasks past their retention.
        index("tasks_completed_at_idx", "tasks", &["completed_at", "id"])
            .and_where(Expr::col("completed_at").is_not_null())
            .to_owned(),
        // The newest tasks of all users.
        newest_first("tasks_created_at_idx", "tasks", &[], &["created_at", "id"]),
        // The tasks of a user that changed since a time, and those that have not ended.
        index("tasks_user_id_updated_at_idx", "tasks", &["user_id", "updated_at", "id"]),
        index("tasks_open_user_id_updated_at_idx", "tasks", &["user_id", "updated_at", "id"])
            .and_where(Expr::col("completed_at").is_null())
            .to_owned(),
        index("removals_due_idx", "removals", &["due_at"]),
        index("uploads_user_id_idx", "uploads", &["user_id"]),
        index("uploads_expires_at_idx", "uploads", &["expires_at"]),
        index("admissions_user_id_admitted_at_idx", "admissions", &["user_id", "admitted_at"]),
        index("admissions_admitted_at_idx", "admissions", &["admitted_at"]),
        index("erasures_erased_at_idx", "erasures", &["erased_at", "task_id"]),
    ]
}

fn users() -> TableCreateStatement {
    Table::create()
        .table("users")
        .col(uuid("id").primary_key())
        .col(string_null("email"))
        .col(string_null("name"))
        .col(timestamp_with_time_zone("created_at").default(Expr::current_timestamp()))
        .col(timestamp_with_time_zone("updated_at").default(Expr::current_timestamp()))
        .to_owned()
}

fn files() -> TableCreateStatement {
    Table::create()
        .table("files")
        .col(uuid("id").primary_key())
        .col(uuid("user_id"))
        .col(string_len("filename", 255))
        .col(string_len_null("mime_type", 100))
        .col(big_integer_null("file_size"))
        .col(string_len("s3_key", 500))
        .col(string_len_null("s3_result_key", 500))
        .col(string_len_null("file_hash", 64))
        .col(string_len_null("status", 50).default("uploaded"))
        .col(timestamp_with_time_zone_null("uploaded_at").default(Expr::current_timestamp()))
        .col(timestamp_with_time_zone_null("updated_at").default(Expr::current_timestamp()))
        .to_owned()
}

fn tasks() -> TableCreateStatement {
    let mut file =
        ForeignKey::create().name("tasks_file_id_fkey").from("tasks", "file_id").to("files", "id").to_owned();
    Table::create()
        .table("tasks")
        .col(uuid("id").primary_key())
        .col(uuid_null("file_id"))
        .col(uuid("user_id"))
        .col(string_len_null("task_type", 50).default("ocr"))
        .col(integer_null("priority").default(5))
        .col(string_len_null("status", 50).default("queued"))
        .col(json_binary_null("result"))
        .col(text_null("error_message"))
        .col(string_len_null("error_code", 64))
        .col(string_len("engine", 64).default("simulated-qwen3"))
        .col(string_len_null("engine_digest", 64))
        .col(string_len("formats", 100).default("html"))
        .col(json_binary_null("options"))
        .col(string_len_null("pages", 500))
        .col(string_len("on_page_failure", 10).default("fail"))
        .col(integer_null("pages_total"))
        .col(string_len_null("step", 50))
        .col(integer("attempt").default(0))
        .col(string_len_null("idempotency_key", 200))
        .col(string_len_null("request_hash", 64))
        .col(timestamp_with_time_zone_null("created_at").default(Expr::current_timestamp()))
        .col(timestamp_with_time_zone_null("started_at"))
        .col(timestamp_with_time_zone_null("completed_at"))
        .col(timestamp_with_time_zone_null("updated_at").default(Expr::current_timestamp()))
        // By how much the decoding of its pages exceeded what pages usually take.
        .col(big_integer("decode_excess_ms").default(0))
        .foreign_key(&mut file)
        .to_owned()
}

/// Objects pending deletion. Written in the commit that deletes what named them, and
/// deleted once the store has confirmed it.
fn removals() -> TableCreateStatement {
    Table::create()
        .table("removals")
        .col(uuid("id").primary_key())
        .col(string_len("object_key", 1024))
        .col(timestamp_with_time_zone("due_at"))
        .col(integer("attempts").default(0))
        .to_owned()
}

/// Files that clients put into the store themselves, until they are tasks.
fn uploads() -> TableCreateStatement {
    Table::create()
        .table("uploads")
        .col(uuid("id").primary_key())
        .col(uuid("user_id"))
        .col(string_len("filename", 255))
        .col(big_integer("file_size"))
        .col(string_len_null("file_hash", 64))
        .col(string_len("object_key", 1024))
        .col(uuid_null("task_id"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("expires_at"))
        .to_owned()
}

/// When users submitted tasks, including erased ones.
fn admissions() -> TableCreateStatement {
    Table::create()
        .table("admissions")
        .col(uuid("id").primary_key())
        .col(uuid("user_id"))
        .col(timestamp_with_time_zone("admitted_at"))
        .to_owned()
}

/// When one of the workers last began each hourly maintenance pass.
fn passes() -> TableCreateStatement {
    Table::create()
        .table("passes")
        .col(string_len("name", 32).primary_key())
        .col(big_integer("began_at_ms"))
        .to_owned()
}

/// Recently erased tasks: their own rows and events are gone, and every process
/// has to notify its listeners.
fn erasures() -> TableCreateStatement {
    Table::create()
        .table("erasures")
        .col(uuid("task_id").primary_key())
        .col(uuid("user_id"))
        .col(timestamp_with_time_zone("erased_at"))
        .to_owned()
}
