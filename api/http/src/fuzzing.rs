//! For the fuzzer and its corpus only: what reads messages and forms of clients.
//! Not part of the interface of this crate.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use salvo::http::header::{HeaderMap, HeaderValue, RANGE};
use salvo::websocket::Message;

use crate::routes::content;
use crate::routes::create;
use crate::routes::socket::client_message;

/// Reads a message of a socket, and says in few plain characters what is wrong
/// with it.
///
/// # Panics
/// When it says more, or control characters.
pub fn socket_message(text: &str) {
    if let Err(problem) = client_message::read(&Message::text(text)) {
        assert!(problem.chars().count() <= client_message::PROBLEM_CHARS_MAX, "{problem}");
        assert!(!problem.chars().any(char::is_control), "{problem:?}");
    }
}

/// Reads the parts of a form that comes in pieces of `piece` bytes, with the
/// boundary `x`.
///
/// # Panics
/// When more parts or longer values are taken than may be.
pub fn form(bytes: &[u8], piece: usize) {
    let pieces: Vec<Result<Bytes, Infallible>> =
        bytes.chunks(piece.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it needs no descriptor");
    runtime.block_on(async {
        let Ok(mut parts) = create::parts("multipart/form-data; boundary=x", stream::iter(pieces)) else {
            panic!("the boundary is one");
        };
        for _ in 0..create::PARTS_MAX {
            let Ok(Some(part)) = parts.next_field().await else { return };
            let name = part.name().unwrap_or_default().to_owned();
            drop(create::known_or_foreign(&name));
            match create::text(part, &name).await {
                Ok(value) => assert!(value.len() <= create::FIELD_BYTES_MAX),
                Err(_) => return,
            }
        }
    });
}

/// Reads the header `Range` for an object of `size_bytes`: the bytes to send are
/// bytes of it.
///
/// # Panics
/// When they are not.
pub fn range(value: &[u8], size_bytes: u64) {
    let Ok(value) = HeaderValue::from_bytes(value) else { return };
    let headers = HeaderMap::from_iter([(RANGE, value)]);
    if let Ok(Some(part)) = content::part(&headers, "\"tag\"", size_bytes) {
        assert!(part.start() <= part.end() && *part.end() < size_bytes, "{part:?} of {size_bytes}");
    }
}
