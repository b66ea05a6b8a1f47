//! A bad network before a PostgreSQL.

use std::net::{Ipv4Addr, SocketAddr};

use sea_orm::sqlx::postgres::PgConnectOptions;
use untxt_stack::faulty_proxy::FaultyProxy;

/// A proxy before the server at `url`, and `url` through it, unencrypted so that
/// messages can be counted.
pub(in crate::journal) async fn before(url: &str) -> (FaultyProxy, String) {
    let options: PgConnectOptions = url.parse().unwrap();
    let target = SocketAddr::from((Ipv4Addr::LOCALHOST, options.get_port()));
    let proxy = FaultyProxy::before_postgres(target).await.unwrap();
    let through = url.replace(&target.to_string(), &proxy.address().to_string());
    (proxy, format!("{through}?sslmode=disable"))
}
