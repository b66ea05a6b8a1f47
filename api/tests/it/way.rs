//! A way to a store that can be closed.

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

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
