//! What clients send with a request or over a socket.

use untxt_workflows::missed::Place;
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
        let Ok(place) = text.parse::<Place>() else { return };
        assert_eq!(place.to_string().parse::<Place>().ok().map(|again| again.task), Some(place.task));
    });
}
