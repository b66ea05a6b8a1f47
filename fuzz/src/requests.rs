//! What clients send with a request or over a socket.

use untxt_api::fuzzing;
use untxt_workflows::catch_up::ChangeCursor;
use untxt_workflows::trace;

use crate::on_text;

/// The header `traceparent`: a span that is read is one that can be passed on.
pub(crate) fn traceparent(bytes: &[u8]) {
    on_text(bytes, |text| {
        if let Some(span) = trace::read(text) {
            assert!(span.is_valid() && span.is_remote());
        }
    });
}

/// Where a client says the part before ended: what is read is written the same.
pub(crate) fn resume_cursor(bytes: &[u8]) {
    on_text(bytes, |text| {
        let Ok(cursor) = text.parse::<ChangeCursor>() else { return };
        assert_eq!(
            cursor.to_string().parse::<ChangeCursor>().ok().map(|again| again.task),
            Some(cursor.task)
        );
    });
}

/// A text message of a WebSocket.
pub(crate) fn socket_message(bytes: &[u8]) {
    on_text(bytes, fuzzing::socket_message);
}

/// A multipart form, in pieces of as many bytes as the first byte says.
pub(crate) fn form(bytes: &[u8]) {
    if let Some((piece, body)) = bytes.split_first() {
        fuzzing::form(body, usize::from(*piece));
    }
}

/// The header `Range`, for objects of a few sizes.
pub(crate) fn range(bytes: &[u8]) {
    for size_bytes in [0, 1, 1_000, u64::MAX] {
        fuzzing::range(bytes, size_bytes);
    }
}
