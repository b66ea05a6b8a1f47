//! The way to the server: one connection that all calls share and that is made
//! again when it is lost, and one that only listens.

use std::time::Duration;

use apalis_redis::{Client, ConnectionManager, IntoConnectionInfo, RedisError};
use redis::aio::{ConnectionManagerConfig, PubSub};
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{ErrorKind, FromRedisValue, Script, ScriptInvocation, ServerErrorKind};

use super::keys::Keys;
use crate::queue::QueueError;

/// How long it may take to connect, and how long an answer may take. A call
/// that takes longer has failed; its caller waits and tries again.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How long the other machine may leave packets unanswered.
const GONE_AFTER: Duration = Duration::from_secs(3);

/// A server that need not be there.
#[derive(Clone)]
pub(super) struct Server {
    client: Client,
    connection: ConnectionManager,
}

impl Server {
    /// Nothing is connected yet.
    pub(super) fn at(url: &str) -> Result<Self, QueueError> {
        let address = |error: RedisError| QueueError::Address(error.to_string());
        let server = url.into_connection_info().map_err(address)?.set_tcp_settings(tcp_settings());
        let client = Client::open(server).map_err(address)?;
        // Whoever is refused waits by itself; no call waits for others' tries.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN));
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(address)?;
        Ok(Self { client, connection })
    }

    /// Runs a script on the topic's keys; `arguments` adds the arguments.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &Keys,
        arguments: impl FnOnce(&mut ScriptInvocation<'_>),
    ) -> Result<T, QueueError> {
        let mut invocation = script.prepare_invoke();
        for key in keys.all() {
            invocation.key(key);
        }
        arguments(&mut invocation);
        let mut connection = self.connection.clone();
        let answer = match invocation.invoke_async(&mut connection).await {
            // A connection that was lost while nobody looked is first heard of
            // here, and scripts may be flushed right after they were loaded. Every
            // script may be run again: what a pull took and could not hand over is
            // put back.
            Err(error) if is_passing(&error) => invocation.invoke_async(&mut connection).await,
            answer => answer,
        };
        answer.map_err(|error| QueueError::Unavailable(error.to_string()))
    }

    /// A connection of its own for listening.
    pub(super) async fn listen(&self) -> Result<PubSub, QueueError> {
        let connected = tokio::time::timeout(CONNECT_WITHIN, self.client.get_async_pubsub()).await;
        let connected = connected.map_err(|_| {
            QueueError::Unavailable(format!("no connection for listening within {CONNECT_WITHIN:?}"))
        })?;
        connected.map_err(|error| QueueError::Unavailable(error.to_string()))
    }
}

/// Small packets go at once, and a peer that fell silent (a machine that is gone, a
/// firewall that forgot) is noticed within seconds instead of a quarter of an hour.
fn tcp_settings() -> TcpSettings {
    let probes = TcpKeepalive::new().with_time(GONE_AFTER).with_interval(GONE_AFTER / 3);
    TcpSettings::default().set_nodelay(true).set_keepalive(probes).set_user_timeout(GONE_AFTER)
}

/// Whether the same call may well be answered at once.
fn is_passing(error: &RedisError) -> bool {
    let lost = error.is_io_error() && !error.is_timeout();
    lost || error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}
