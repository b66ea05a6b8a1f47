//! The way to the server: one connection that all calls share and that is made
//! again when it is lost or leads to a server that takes no writes any more, and
//! one that only listens.

use std::sync::{Arc, Mutex, PoisonError};
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

/// Codes of servers that can't serve, and that an address may not lead to any more
/// once it is dialled again: a primary that was demoted or has not read its data
/// yet, a node that lost its cluster or its replicas, a password that was changed
/// (<https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors>).
const CODES_OF_OTHERS: [&str; 7] =
    ["READONLY", "MASTERDOWN", "LOADING", "CLUSTERDOWN", "NOREPLICAS", "NOAUTH", "MOVED"];

/// A server that need not be there.
#[derive(Clone)]
pub(super) struct Server {
    client: Client,
    /// Replaced when it leads to a server that can't serve. Never locked while
    /// something is awaited.
    connection: Arc<Mutex<ConnectionManager>>,
}

impl Server {
    /// Nothing is connected yet.
    pub(super) fn at(url: &str) -> Result<Self, QueueError> {
        let address = |error: RedisError| QueueError::Address(error.to_string());
        let server = url.into_connection_info().map_err(address)?.set_tcp_settings(tcp_settings());
        let client = Client::open(server).map_err(address)?;
        let connection = unconnected(&client).map_err(address)?;
        Ok(Self { client, connection: Arc::new(Mutex::new(connection)) })
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
        let answer = match self.ask(&invocation).await {
            // A connection that was lost while nobody looked is first heard of
            // here, and scripts may be flushed right after they were loaded. Every
            // script may be run again: what a pull took and could not hand over is
            // put back.
            Err(error) if is_passing(&error) => self.ask(&invocation).await,
            answer => answer,
        };
        answer.map_err(|error| QueueError::Unavailable(why(&error)))
    }

    /// One call. A connection that leads to a server that can't serve, or does not
    /// answer, is given up: it would stay open as long as that server lives, while
    /// its address may lead to another one by now.
    async fn ask<T: FromRedisValue>(&self, invocation: &ScriptInvocation<'_>) -> Result<T, RedisError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = invocation.invoke_async(&mut connection).await;
        if let Err(error) = &answer
            && (cannot_serve(error) || error.is_timeout())
            && let Ok(another) = unconnected(&self.client)
        {
            *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = another;
        }
        answer
    }

    /// How many primaries of a Redis Cluster have a part of the keys; `None` when
    /// it is no cluster, or does not say.
    pub(super) async fn primaries(&self) -> Option<u32> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let about: String = redis::cmd("CLUSTER").arg("INFO").query_async(&mut connection).await.ok()?;
        about.lines().find_map(|line| line.trim().strip_prefix("cluster_size:")?.parse().ok())
    }

    /// A connection of its own for listening.
    pub(super) async fn listen(&self) -> Result<PubSub, QueueError> {
        let connected = tokio::time::timeout(CONNECT_WITHIN, self.client.get_async_pubsub()).await;
        let connected = connected.map_err(|_| {
            QueueError::Unavailable(format!("no connection for notifications within {CONNECT_WITHIN:?}"))
        })?;
        connected.map_err(|error| QueueError::Unavailable(why(&error)))
    }
}

/// A connection that is made when it is first used.
fn unconnected(client: &Client) -> Result<ConnectionManager, RedisError> {
    // Whoever is refused waits by itself; no call waits for others' tries.
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(CONNECT_WITHIN))
        .set_response_timeout(Some(ANSWER_WITHIN));
    ConnectionManager::new_lazy_with_config(client.clone(), config)
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
    lost || error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) || cannot_serve(error)
}

/// Whether the server answers, and can't do what it is there for.
fn cannot_serve(error: &RedisError) -> bool {
    let code = error.code().is_some_and(|code| CODES_OF_OTHERS.contains(&code));
    // Before Redis 7 a script's errors have a code of their own, and the command's
    // stands in the text.
    code || error.detail().is_some_and(|text| text.contains("READONLY You can't write"))
}

/// An error in a sentence that names what to do, where that is known.
fn why(error: &RedisError) -> String {
    if error.kind() == ErrorKind::AuthenticationFailed {
        return "the server does not take the user and password of REDIS_URL".to_owned();
    }
    match error.code() {
        Some("NOAUTH") => {
            "the server wants a password, and REDIS_URL has none (redis://:PASSWORD@host)".to_owned()
        }
        Some("READONLY") => "the server is a replica and takes no writes".to_owned(),
        Some("MOVED") => {
            "the server is one of several primaries of a Redis Cluster; REDIS_URL has to name a server that is no \
             cluster"
                .to_owned()
        }
        Some("LOADING") => "the server is reading its data and takes no commands yet".to_owned(),
        _ if error.is_connection_refusal() => "the server refuses connections".to_owned(),
        _ => error.to_string(),
    }
}
