//! A way to a store that can be closed, and a store at the end of it.

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use untxt_workflows::objects::Embedded;

use crate::home::Home;

/// The way; open until it is closed.
pub(crate) struct Way {
    pub(crate) url: String,
    pub(crate) open: watch::Sender<bool>,
}

impl Way {
    pub(crate) async fn to(address: std::net::SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (open, is_open) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let mut is_open = is_open.clone();
                tokio::spawn(async move {
                    if !*is_open.borrow() {
                        return;
                    }
                    let mut to = TcpStream::connect(address).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut from, &mut to) => {}
                        _ = is_open.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { url, open }
    }
}

/// A store that programs reach by a way of the test's own.
pub(crate) struct Store {
    pub(crate) objects: Embedded,
    way: Way,
    _dir: TempDir,
}

impl Store {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let objects = Embedded::start(dir.path(), "untxt", 100 << 20).await.unwrap();
        let way = Way::to(objects.address()).await;
        Self { objects, way, _dir: dir }
    }

    /// A home whose programs keep their objects there.
    pub(crate) fn home(&self) -> Home {
        let (id, secret) = self.objects.key_pair();
        Home::new()
            .with("S3_ENDPOINT", &self.way.url)
            .with("AWS_ACCESS_KEY_ID", id)
            .with("AWS_SECRET_ACCESS_KEY", secret)
    }

    /// Lets nobody through any more, and cuts off who is on the way.
    pub(crate) fn close(&self) {
        self.way.open.send(false).unwrap();
    }

    pub(crate) fn open(&self) {
        self.way.open.send(true).unwrap();
    }
}
