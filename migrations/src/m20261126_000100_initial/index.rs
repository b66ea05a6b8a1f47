//! Short forms of index definitions.

use sea_orm_migration::prelude::*;

/// An index of `table` over `columns`.
pub(super) fn index(name: &str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}

/// The same, in which no two rows are equal.
pub(super) fn unique(name: &str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    index(name, table, columns).unique().to_owned()
}

/// An index of `table` over `columns` and then, the greatest first, over `newest`.
pub(super) fn newest_first(
    name: &str,
    table: &'static str,
    columns: &[&'static str],
    newest: &[&'static str],
) -> IndexCreateStatement {
    let mut index = index(name, table, columns);
    for column in newest {
        index.col((*column, IndexOrder::Desc));
    }
    index
}
