//! Rows of the product's own tables that are written in the transaction of the
//! events they belong to.

use sea_orm::sea_query::{DeleteStatement, InsertStatement, UpdateStatement};

/// One statement, as a value: it can be sent again when a transaction is.
#[derive(Clone, Debug, PartialEq)]
pub enum RowChange {
    /// Inserts rows.
    Insert(InsertStatement),
    /// Changes rows.
    Update(UpdateStatement),
    /// Deletes rows.
    Delete(DeleteStatement),
}

impl From<InsertStatement> for RowChange {
    fn from(statement: InsertStatement) -> Self {
        Self::Insert(statement)
    }
}

impl From<UpdateStatement> for RowChange {
    fn from(statement: UpdateStatement) -> Self {
        Self::Update(statement)
    }
}

impl From<DeleteStatement> for RowChange {
    fn from(statement: DeleteStatement) -> Self {
        Self::Delete(statement)
    }
}
