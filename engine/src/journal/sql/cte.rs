//! Many rows in one statement for PostgreSQL: a column of values is one array
//! parameter, whatever the number of rows. So the statement's text is the same
//! for every batch, and the server parses and plans it once a connection.

use std::fmt::Write as _;

use sea_orm::sea_query::{ArrayType, Iden, Value};
use sea_orm::{DbBackend, Statement};

use super::values::{ColumnValues, RowUpdate};

/// Stand for NULL inside an array, whose elements the driver wants to be there.
/// No time, count or text of ours is one of these.
const NO_NUMBER: i64 = i64::MIN;
const NO_TEXT: &str = "\u{1}";

/// A statement in parts: each is a common table expression, and they are
/// executed together or not at all.
#[derive(Default)]
pub(super) struct CteBuilder {
    with: Vec<String>,
    /// Conditions that must hold of the parts before.
    fences: Vec<String>,
    values: Vec<Value>,
}

impl CteBuilder {
    pub(super) fn is_empty(&self) -> bool {
        self.with.is_empty()
    }

    /// New rows; `name` is the part's.
    pub(super) fn insert<C: Iden>(&mut self, name: &str, table: &str, rows: Vec<ColumnValues<C>>) {
        let Some(columns) = names(&rows) else { return };
        let source = self.source(&columns, rows);
        let list = columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ");
        let from = source.select();
        let insert = format!("{name} AS (INSERT INTO {table} ({list}) SELECT {from} RETURNING 1)");
        self.with.push(insert);
    }

    /// Changed rows: those whose `keys` (the first columns of each row) are
    /// still what is given, and that fulfil `only_if`. A row less than were given
    /// voids the whole statement. A column of `kept` stays as it is where the new
    /// value is NULL.
    pub(super) fn update<C: Iden>(
        &mut self,
        name: &str,
        table: &str,
        changes: Vec<RowUpdate<C>>,
        kept: &[&str],
        only_if: &str,
    ) {
        let count = changes.len();
        let Some(keys) = changes.first().map(|(key, _)| key.len()) else { return };
        let rows: Vec<ColumnValues<C>> =
            changes.into_iter().map(|(key, row)| key.into_iter().chain(row).collect()).collect();
        let Some(columns) = names(&rows) else { return };
        // A key and a new value may be of the same column.
        let aliases: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
        let source = self.source(&aliases, rows);
        let mut set = Vec::new();
        for (at, column) in columns.iter().enumerate().skip(keys) {
            let value = source.value(at);
            set.push(match kept.contains(&column.as_str()) {
                true => format!("\"{column}\" = COALESCE({value}, {table}.\"{column}\")"),
                false => format!("\"{column}\" = {value}"),
            });
        }
        let key: Vec<String> = columns[..keys]
            .iter()
            .enumerate()
            .map(|(at, column)| format!("{table}.\"{column}\" = {}", source.value(at)))
            .collect();
        let (set, key) = (set.join(", "), key.join(" AND "));
        let from = &source.from;
        self.with.push(format!(
            "{name} AS (UPDATE {table} SET {set} FROM {from} WHERE {key}{only_if} RETURNING 1)"
        ));
        self.values.push(Value::BigInt(i64::try_from(count).ok()));
        self.fences.push(format!("(SELECT count(*) FROM {name}) = ${}", self.values.len()));
    }

    /// New rows in the order given, once every fence holds and `lock` is held
    /// until the transaction ends.
    pub(super) fn append<C: Iden>(&mut self, table: &str, rows: Vec<ColumnValues<C>>, lock: i64) {
        let Some(columns) = names(&rows) else { return };
        self.gate(&format!("pg_advisory_xact_lock({lock})::text"));
        let source = self.source(&columns, rows);
        let list = columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ");
        let (values, from) = (source.values(), &source.from);
        self.with.push(format!(
            "appended AS (INSERT INTO {table} ({list}) SELECT {values} FROM gate, {from} ORDER BY v.n RETURNING 1)"
        ));
    }

    /// A part that is evaluated once all fences hold, and fails the statement
    /// (division by zero, SQLSTATE 22012) when one does not.
    fn gate(&mut self, then: &str) {
        let holds = match self.fences.is_empty() {
            true => "true".to_owned(),
            false => std::mem::take(&mut self.fences).join(" AND "),
        };
        // Not a constant: a constant division would fail when it is planned.
        let void = "(1 / (count(*) - count(*)))::text";
        self.with.push(format!(
            "gate AS MATERIALIZED (SELECT CASE WHEN {holds} THEN {then} ELSE {void} END FROM (SELECT 1) AS one)"
        ));
    }

    /// The whole statement.
    pub(super) fn statement(mut self) -> Statement {
        if !self.fences.is_empty() {
            self.gate("''");
        }
        let gated = self.with.iter().any(|part| part.starts_with("gate "));
        let end = if gated { "SELECT count(*) FROM gate" } else { "SELECT 1" };
        let text = format!("WITH {} {end}", self.with.join(",\n"));
        Statement::from_sql_and_values(DbBackend::Postgres, text, self.values)
    }

    fn source<C>(&mut self, columns: &[String], rows: Vec<ColumnValues<C>>) -> Source {
        let mut arrays: Vec<Vec<Value>> = columns.iter().map(|_| Vec::with_capacity(rows.len())).collect();
        for row in rows {
            for (array, (_, value)) in arrays.iter_mut().zip(row) {
                array.push(value);
            }
        }
        let (mut parameters, mut casts) = (String::new(), Vec::new());
        for array in arrays {
            let (kind, cast) = kind(array.first());
            let array = array.into_iter().map(present).collect();
            self.values.push(Value::Array(kind, Some(Box::new(array))));
            let separator = if parameters.is_empty() { "" } else { ", " };
            // Writing to a String can't fail.
            let _ = write!(parameters, "{separator}${}::{cast}[]", self.values.len());
            casts.push(cast);
        }
        let names = columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>();
        let from = format!("unnest({parameters}) WITH ORDINALITY AS v({}, n)", names.join(", "));
        Source { columns: names, casts, from }
    }
}

/// Rows as a table called `v`, numbered by `n`.
struct Source {
    columns: Vec<String>,
    casts: Vec<&'static str>,
    from: String,
}

impl Source {
    /// The value of a column, NULL again where it stands for that.
    fn value(&self, at: usize) -> String {
        let column = &self.columns[at];
        match self.casts[at] {
            "bigint" => format!("NULLIF(v.{column}, '{NO_NUMBER}'::bigint)"),
            "text" => format!("NULLIF(v.{column}, E'\\x01')"),
            _ => format!("v.{column}"),
        }
    }

    fn values(&self) -> String {
        (0..self.columns.len()).map(|at| self.value(at)).collect::<Vec<_>>().join(", ")
    }

    fn select(&self) -> String {
        format!("{} FROM {}", self.values(), self.from)
    }
}

fn names<C: Iden>(rows: &[ColumnValues<C>]) -> Option<Vec<String>> {
    Some(rows.first()?.iter().map(|(column, _)| column.unquoted().to_owned()).collect())
}

/// How a column travels: by the first of its values, all are of one kind.
fn kind(value: Option<&Value>) -> (ArrayType, &'static str) {
    match value {
        Some(Value::Uuid(_)) => (ArrayType::Uuid, "uuid"),
        Some(Value::SmallInt(_)) => (ArrayType::SmallInt, "smallint"),
        Some(Value::Int(_)) => (ArrayType::Int, "integer"),
        Some(Value::BigInt(_)) => (ArrayType::BigInt, "bigint"),
        _ => (ArrayType::String, "text"),
    }
}

fn present(value: Value) -> Value {
    match value {
        Value::BigInt(None) => Value::BigInt(Some(NO_NUMBER)),
        Value::String(None) => Value::String(Some(NO_TEXT.to_owned())),
        present => present,
    }
}
