//! `/api/openapi.json`, and `/docs`, a page that shows it. Everything the page
//! needs is here: it works without a network, under a policy that lets nothing
//! else in.

use salvo::http::ResBody;
use salvo::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use salvo::prelude::{Request, Response, handler};

use crate::boxed::boxed;
use crate::error::ApiError;
use crate::openapi;
use crate::request_info::RequestInfo;

/// What the page may load and do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[handler]
#[boxed]
pub(crate) async fn document(req: &mut Request, res: &mut Response) -> Result<(), ApiError> {
    write(res, "application/json; charset=utf-8", openapi::text(&RequestInfo::of(req)?.base));
    Ok(())
}

#[handler]
#[boxed]
pub(crate) async fn page(res: &mut Response) {
    res.headers_mut().insert("content-security-policy", HeaderValue::from_static(POLICY));
    write(res, "text/html; charset=utf-8", include_str!("page.html"));
}

#[handler]
#[boxed]
pub(crate) async fn file(req: &mut Request, res: &mut Response) -> Result<(), ApiError> {
    match req.param::<&str>("file").unwrap_or_default() {
        "reader.js" => write(res, "text/javascript; charset=utf-8", include_str!("reader.js")),
        "reader.css" => write(res, "text/css; charset=utf-8", include_str!("reader.css")),
        _ => return Err(ApiError::no_route()),
    }
    Ok(())
}

fn write(res: &mut Response, content_type: &'static str, text: impl Into<ResBody>) {
    res.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // Another version of the program has another description.
    res.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    res.body(text);
}
