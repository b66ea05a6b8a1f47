//! Tickets: for clients that can't send a header, such as a browser's WebSocket
//! or `EventSource`. They lie in the database, so that every process takes what
//! any process gave out, and each is taken once.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Query;
use sea_orm::{ActiveValue, ConnectionTrait};
use sha2::{Digest, Sha256};
use untxt_engine::journal::database::Database;
use untxt_engine::time::Clock;

use super::principal::Principal;

/// How long a ticket can be used.
pub const TICKET_LIFE: Duration = Duration::from_secs(30);

mod table {
    //! `tickets`.
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tickets")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: String,
        pub caller: String,
        pub expires_at_ms: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use table::{ActiveModel, Column, Entity};

pub(super) struct Tickets {
    database: Database,
    clock: Arc<dyn Clock>,
}

impl Tickets {
    pub(super) fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }

    /// A new ticket. What nobody used in time is removed on the way.
    pub(super) async fn issue(&self, caller: &Principal) -> Result<String, DbErr> {
        let now = self.clock.now();
        Entity::delete_many().filter(Column::ExpiresAtMs.lte(now.0)).exec(&self.database).await?;
        let ticket = hex::encode(rand::random::<[u8; 32]>());
        let row = ActiveModel {
            hash: ActiveValue::Set(hash(&ticket)),
            caller: ActiveValue::Set(
                serde_json::to_string(caller).map_err(|e| DbErr::Custom(e.to_string()))?,
            ),
            expires_at_ms: ActiveValue::Set(now.after(TICKET_LIFE).0),
        };
        Entity::insert(row).exec_without_returning(&self.database).await?;
        Ok(ticket)
    }

    /// Takes the ticket away, and says for whom it stood. One statement: of two
    /// that present it at once, through whichever process, one gets it.
    pub(super) async fn redeem(&self, ticket: &str) -> Result<Option<Principal>, DbErr> {
        let mut delete = Query::delete();
        delete
            .from_table(Entity)
            .and_where(Column::Hash.eq(hash(ticket)))
            .and_where(Column::ExpiresAtMs.gt(self.clock.now().0))
            .returning_col(Column::Caller);
        let Some(row) = self.database.query_one(&delete).await? else { return Ok(None) };
        let caller: String = row.try_get("", "caller")?;
        serde_json::from_str(&caller).map(Some).map_err(|error| DbErr::Custom(error.to_string()))
    }
}

fn hash(ticket: &str) -> String {
    hex::encode(Sha256::digest(ticket))
}
