//! Many rows made or changed by one statement, each with values of its own.

use sea_orm::sea_query::{
    Alias, Expr, ExprTrait, Func, InsertStatement, IntoIden, IntoTableRef, Query, TableRef, UpdateStatement,
    Value, ValueTuple,
};

/// What a row is to hold.
pub(super) type ColumnValues<C> = Vec<(C, Value)>;

/// What finds a row, and what it is to hold.
pub(super) type RowUpdate<C> = (ColumnValues<C>, ColumnValues<C>);

/// `INSERT INTO table … VALUES …`; `rows` is not empty.
pub(super) fn insert_values<C: IntoIden + Copy + 'static>(
    table: C,
    rows: &[ColumnValues<C>],
) -> InsertStatement {
    let mut statement = Query::insert();
    statement.into_table(table.into_table_ref());
    for row in rows {
        statement.columns(row.iter().map(|(column, _)| *column));
        statement.values_panic(row.iter().map(|(_, value)| value.clone().into()));
    }
    statement
}

/// `UPDATE table SET … FROM (VALUES …)`, for SQLite, which calls the columns of
/// a VALUES list `column1`, `column2` and so on. A column of `kept` stays as it
/// is where the new value is NULL. `changes` is not empty.
pub(super) fn update_from_values<C: IntoIden + Copy + PartialEq + 'static>(
    table: C,
    changes: Vec<RowUpdate<C>>,
    kept: &[C],
) -> UpdateStatement {
    let values = Alias::new("v");
    let value = |at: usize| Expr::col((Alias::new("v"), Alias::new(format!("column{at}"))));
    let mut statement = Query::update();
    statement.table(table.into_table_ref());
    if let Some((key, row)) = changes.first() {
        for (at, (column, _)) in (1..).zip(key) {
            statement.and_where(Expr::col((table, *column)).eq(value(at)));
        }
        for (at, (column, _)) in (key.len() + 1..).zip(row) {
            let old = Expr::col((table, *column));
            let new = if kept.contains(column) { Func::coalesce([value(at), old]).into() } else { value(at) };
            statement.value(*column, new);
        }
    }
    let rows = changes
        .into_iter()
        .map(|(key, row)| ValueTuple::Many(key.into_iter().chain(row).map(|(_, value)| value).collect()));
    statement.from(TableRef::ValuesList(rows.collect(), values.into_iden()));
    statement
}
