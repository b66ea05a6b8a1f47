//! A test server that throttles, is busy, never answers or redirects, for engines
//! whose settings can name it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::report::Outcome;
use super::{SERVER, Subject, pages};
use crate::error::{Class, PluginError};
use crate::host::Host;

/// Time limit of an engine whose server never answers.
const HANG_WALL: Duration = Duration::from_millis(1_000);

/// Behaviour of the server.
#[derive(Clone, Copy)]
pub(super) enum Reply {
    Answers(&'static str),
    Hangs,
}

pub(super) const REPLIES: [(&str, Reply); 4] = [
    (
        "server-429",
        Reply::Answers("HTTP/1.1 429 Too Many Requests\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n"),
    ),
    ("server-503", Reply::Answers("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")),
    ("server-hangs", Reply::Hangs),
    (
        "server-redirects",
        Reply::Answers("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n"),
    ),
];

pub(super) async fn run(host: &Arc<Host>, subject: &Subject, reply: Reply) -> Outcome {
    let address = match serve(reply).await {
        Ok(address) => address,
        Err(error) => return Outcome::Skipped(format!("can't start a test server: {error}")),
    };
    let origin = format!("http://{address}");
    let mut subject = subject.clone();
    subject.grants.http.origins = vec![origin.clone()];
    if let Some(manifest) = &mut subject.package.manifest {
        // It takes the place of a server that the manifest lists.
        manifest.wants.http.push(origin.clone());
    }
    let settings = subject.settings.to_string().replace(SERVER, &origin);
    subject.settings = serde_json::from_str(&settings).unwrap_or_default();
    let mut engine = match host.load(&subject.package.name, &subject.package, &subject.grants).await {
        Ok(engine) => engine,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    engine.limits.wall = HANG_WALL;
    let (engine, page) = (Arc::new(engine), Arc::new(pages::gray()));
    let called = host.recognize(&engine, page, subject.options(), CancellationToken::new()).await;
    match (reply, called) {
        (_, Ok(_)) => Outcome::Failed("it answers although its server fails".to_owned()),
        (_, Err(error @ (PluginError::Trapped { .. } | PluginError::InvalidOutput { .. }))) => {
            Outcome::Failed(error.to_string())
        }
        (Reply::Answers(text), Err(error)) if text.contains(" 302 ") => Outcome::Passed(error.to_string()),
        (_, Err(error)) => match error.class() {
            Class::Retry { .. } | Class::Transport => Outcome::Passed(error.to_string()),
            class => {
                Outcome::Failed(format!("the failure is temporary, but it is reported as {class:?}: {error}"))
            }
        },
    }
}

async fn serve(reply: Reply) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                // The request arrives in one piece.
                let mut bytes = vec![0; 1 << 20];
                let _ = stream.read(&mut bytes).await;
                match reply {
                    Reply::Answers(text) => {
                        let _ = stream.write_all(text.as_bytes()).await;
                        while matches!(stream.read(&mut bytes).await, Ok(read) if read > 0) {}
                    }
                    Reply::Hangs => std::future::pending().await,
                }
            });
        }
    });
    Ok(address)
}
