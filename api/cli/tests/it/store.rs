//! A store behind a proxy that can be closed.

use tempfile::TempDir;
use untxt_stack::faulty_proxy::{FaultyProxy, NetworkFault};
use untxt_workflows::objects::Embedded;

use crate::home::Home;

/// A store that programs reach through a proxy of the test's own.
pub(crate) struct Store {
    pub(crate) objects: Embedded,
    proxy: FaultyProxy,
    _dir: TempDir,
}

impl Store {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let objects = Embedded::start(dir.path(), "untxt", 100 << 20).await.unwrap();
        let proxy = FaultyProxy::start(objects.address()).await.unwrap();
        Self { objects, proxy, _dir: dir }
    }

    /// A home whose programs keep their objects there.
    pub(crate) fn home(&self) -> Home {
        let (id, secret) = self.objects.key_pair();
        Home::new()
            .with("S3_ENDPOINT", &format!("http://{}", self.proxy.address()))
            .with("AWS_ACCESS_KEY_ID", id)
            .with("AWS_SECRET_ACCESS_KEY", secret)
    }

    /// Lets nobody through any more, and cuts the connections that are open.
    pub(crate) fn close(&self) {
        self.proxy.set(NetworkFault::Reset);
    }

    pub(crate) fn open(&self) {
        self.proxy.set(NetworkFault::None);
    }
}
