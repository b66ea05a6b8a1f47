//! Many rows changed by one statement, each to values of its own.

use sea_orm::sea_query::{
    Alias, Expr, ExprTrait, IntoIden, IntoTableRef, Query, TableRef, UpdateStatement, Value, ValueTuple,
};

/// `UPDATE table SET columns = … FROM (VALUES …)`, for the rows whose `key`
/// equals the first values of one of `rows`; the other values go to `columns`,
/// in order. Both databases call the columns of a VALUES list `column1`,
/// `column2` and so on.
pub(super) fn update_from_values<C: IntoIden + Copy + 'static>(
    table: C,
    key: impl IntoIterator<Item = C>,
    columns: Vec<C>,
    rows: Vec<Vec<Value>>,
) -> UpdateStatement {
    let values = Alias::new("v");
    let value = |at: usize| (Alias::new("v"), Alias::new(format!("column{at}")));
    let mut statement = Query::update();
    statement.table(table.into_table_ref());
    let mut at = 0;
    for column in key {
        at += 1;
        statement.and_where(Expr::col((table, column)).equals(value(at)));
    }
    for column in columns {
        at += 1;
        statement.value(column, Expr::col(value(at)));
    }
    let rows = rows.into_iter().map(ValueTuple::Many).collect();
    statement.from(TableRef::ValuesList(rows, values.into_iden()));
    statement
}
