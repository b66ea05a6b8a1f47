use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::*;
use crate::config::HostConfig;
use crate::limits::EngineLimits;

#[tokio::test]
async fn one_name_is_prepared_while_another_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = HostConfig {
        cache_dir: dir.path().join("cache"),
        concurrency: 1,
        limits: EngineLimits::default(),
        metered: false,
        models: None,
    };
    let host = Arc::new(Host::new(&config).expect("a sandbox"));
    let registry = Registry::open(host, dir.path().join("engines"));
    let name_lock = registry.name_lock("other");
    let preparing = name_lock.lock().await;
    let mut waiting = pin!(registry.resolve("other"));
    let polled = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context))).await;
    assert!(polled.is_pending(), "the same name waits");
    registry.resolve(SIMULATED).await.expect("another name does not wait");
    drop(preparing);
    assert_eq!(waiting.await.err().expect("there is no such engine").code(), "ENGINE_NOT_FOUND");
    drop(name_lock);
    registry.name_lock("third");
    assert_eq!(registry.state().name_locks.len(), 1, "names nobody asks for are forgotten");
}
