//! Cookies of this server. Their names begin with `__Host-` over HTTPS, so that no other
//! host of the same site can set them; on this machine they may be sent without TLS.

use std::time::Duration;

use salvo::http::header::{COOKIE, HeaderValue, SET_COOKIE};
use salvo::prelude::{Request, Response};
use untxt_settings::base_url::{BaseUrl, HTTPS};

/// A cookie, by its name without a prefix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookie(&'static str);

/// Holds the secret of a session.
pub(crate) const SESSION: Cookie = Cookie("untxt");

/// Holds what a sign-in at a provider was begun with.
pub(crate) const SIGN_IN: Cookie = Cookie("untxt-sign-in");

impl Cookie {
    /// Its whole name for those who see the server at `base`; none where the wire can be
    /// read.
    fn name(self, base: &BaseUrl) -> Option<String> {
        match base.scheme() {
            HTTPS => Some(format!("__Host-{}", self.0)),
            _ => base.is_loopback().then(|| self.0.to_owned()),
        }
    }

    /// Whether those who see the server at `base` may be given it.
    pub(crate) fn may_be_set(self, base: &BaseUrl) -> bool {
        self.name(base).is_some()
    }

    /// Its value, if the request carries it.
    pub(crate) fn read(self, req: &Request, base: &BaseUrl) -> Option<String> {
        let name = self.name(base)?;
        let lists = req.headers().get_all(COOKIE).into_iter().filter_map(|list| list.to_str().ok());
        let mut pairs = lists.flat_map(|list| list.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(found, value)| *found == name && !value.is_empty()).map(|(_, value)| value.to_owned())
    }

    /// Has the browser keep `value` for that long.
    pub(crate) fn set(self, res: &mut Response, base: &BaseUrl, value: &str, keep: Duration) {
        let Some(name) = self.name(base) else { return };
        let secure = if base.scheme() == HTTPS { "; Secure" } else { "" };
        let keep = keep.as_secs();
        let cookie = format!("{name}={value}; Max-Age={keep}; Path=/; HttpOnly; SameSite=Lax{secure}");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            res.headers_mut().append(SET_COOKIE, cookie);
        }
    }

    /// Has the browser forget it.
    pub(crate) fn clear(self, res: &mut Response, base: &BaseUrl) {
        self.set(res, base, "", Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> BaseUrl {
        text.parse().unwrap()
    }

    #[test]
    fn a_cookie_goes_over_tls_or_stays_on_this_machine() {
        let set = |at: &str| {
            let mut res = Response::new();
            SESSION.set(&mut res, &base(at), "a", Duration::from_secs(9));
            res.headers().get(SET_COOKIE).map(|value| value.to_str().unwrap().to_owned())
        };
        let secure = "__Host-untxt=a; Max-Age=9; Path=/; HttpOnly; SameSite=Lax; Secure";
        assert_eq!(set("https://ocr.example.com/scans").as_deref(), Some(secure));
        for at in ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:80", "http://a.localhost"] {
            assert_eq!(
                set(at).as_deref(),
                Some("untxt=a; Max-Age=9; Path=/; HttpOnly; SameSite=Lax"),
                "{at}"
            );
        }
        for at in ["http://ocr.example.com", "http://10.0.0.1:8080", "http://localhost.example.com"] {
            assert!(set(at).is_none() && !SESSION.may_be_set(&base(at)), "{at}");
        }
    }

    #[test]
    fn only_the_cookie_of_that_name_is_read() {
        let read = |at: &str, cookies: &str| {
            let mut req = Request::new();
            req.headers_mut().insert(COOKIE, HeaderValue::from_str(cookies).unwrap());
            SESSION.read(&req, &base(at))
        };
        let (here, public) = ("http://localhost", "https://ocr.example.com");
        assert_eq!(read(here, "a=1; untxt=2;untxt=3; b").as_deref(), Some("2"));
        assert_eq!(read(public, "untxt=1; __Host-untxt=2").as_deref(), Some("2"));
        assert_eq!(read(public, "untxt=1"), None, "another host of the site may have set it");
        assert_eq!(read(here, "untxt=; untxt-sign-in=1; xuntxt=1"), None);
        assert_eq!(read("http://ocr.example.com", "untxt=1"), None);
    }
}
