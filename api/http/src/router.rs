//! Every route, in one place.

use async_trait::async_trait;
use salvo::catch_panic::CatchPanic;
use salvo::catcher::Catcher;
use salvo::http::{ResBody, StatusCode, StatusError};
use salvo::prelude::{Depot, FlowCtrl, Handler, Request, Response, Router, Service, affix_state};
use salvo::routing::FilterInfo;
use untxt_settings::server::{ClientTimeouts, SiteSettings};

use crate::app_state::AppState;
use crate::auth::middleware::{Authenticate, AuthenticateSocket, Authenticator, RequireScope};
use crate::auth::principal::Scope;
use crate::body_timeout::BodyTimeout;
use crate::compress::Compressed;
use crate::cors::cors;
use crate::error::ApiError;
use crate::health::HealthState;
use crate::request_checks::RequestChecks;
use crate::request_log::RequestLog;
use crate::request_trace::RequestTrace;
use crate::routes::{
    admin, archive, bulk, cancel, console, content, create, docs, engines, erase, events, get, health,
    history, list, me, metrics, objects, original, page_image, pages, provider_sign_in, ready, result, retry,
    search, session, socket, status, tickets, uploads, worker_status,
};
use crate::security_headers::SecurityHeaders;

/// The routes as a service.
pub(crate) fn service(
    state: AppState,
    health: HealthState,
    cors_origins: &[String],
    site: &SiteSettings,
) -> Service {
    let timeouts = state.timeouts;
    let injected = affix_state::inject(state.authenticator.clone()).inject(state).inject(health);
    let router = Router::new().hoop(injected).hoop(CatchPanic::new()).push(routes());
    with_middleware(router, timeouts, cors_origins, site)
}

/// The routes of a worker: probes are open to everybody, the rest is for operators.
pub(crate) fn worker_service(
    health: HealthState,
    authenticator: Authenticator,
    timeouts: ClientTimeouts,
    site: &SiteSettings,
) -> Service {
    let told =
        for_operators().push(Router::with_path("status").get(worker_status::worker_status)).push(counted());
    let router = Router::new()
        .hoop(affix_state::inject(health).inject(authenticator))
        .hoop(CatchPanic::new())
        .push(Router::with_path("health").get(health::health))
        .push(Router::with_path("ready").get(ready::ready))
        .push(told);
    with_middleware(router, timeouts, &[], site)
}

/// Routes for operators only, on both listeners. With `UNTXT_AUTH=off`, which is for
/// loopback only, everybody is one.
fn for_operators() -> Router {
    Router::new().hoop(Authenticate).hoop(RequireScope::scope(Scope::Operate))
}

/// What Prometheus reads.
fn counted() -> Router {
    Router::with_path("metrics").get(metrics::metrics)
}

/// The middleware of all routes, outermost first.
fn with_middleware(
    router: Router,
    timeouts: ClientTimeouts,
    cors_origins: &[String],
    site: &SiteSettings,
) -> Service {
    let service = Service::new(router)
        .hoop(RequestLog { site: site.clone() })
        .hoop(RequestTrace)
        .hoop(BodyTimeout(timeouts))
        .hoop(SecurityHeaders);
    let service = if cors_origins.is_empty() { service } else { service.hoop(cors(cors_origins)) };
    service
        .hoop(RequestChecks { origins: cors_origins.into() })
        .hoop(Compressed)
        .catcher(Catcher::new(AsJson))
}

/// What is answered to anybody, and what only to callers who are known. Each is
/// described in `openapi`.
fn routes() -> Router {
    let known = Router::with_hoop(Authenticate);
    let known = known.push(admin::router()).push(me()).push(ticket()).push(engine_list());
    let known = known.push(tasks()).push(uploads());
    Router::new().push(open()).push(for_operators().push(counted())).push(sockets()).push(known)
}

/// What probes and readers ask, who present nothing. It tells nothing about
/// anybody's work.
fn open() -> Router {
    Router::new()
        .push(Router::with_path("health").get(health::health))
        .push(Router::with_path("ready").get(ready::ready))
        .push(Router::with_path("api/openapi.json").get(docs::document))
        .push(Router::with_path("objects/{**key}").get(objects::objects).put(objects::objects))
        .push(console::router())
        .push(sign_in())
        .push(Router::with_path("docs").get(docs::page).push(Router::with_path("{file}").get(docs::file)))
}

/// Sockets need [`Scope::Read`], which they see to themselves: they may hear who
/// calls after they are open. A browser that opens the root is sent to the console.
fn sockets() -> Router {
    let socket = || Router::with_hoop(AuthenticateSocket).get(socket::socket);
    Router::new()
        .push(Router::with_hoop(console::ConsoleForBrowsers).push(socket()))
        .push(Router::with_path("ws").push(socket()))
}

/// How a browser becomes somebody.
fn sign_in() -> Router {
    Router::new()
        .push(Router::with_path("api/sign-in").get(session::ways))
        .push(Router::with_path("api/session").post(session::sign_in))
        .push(Router::with_path("auth/login").get(provider_sign_in::login))
        .push(Router::with_path("auth/callback").get(provider_sign_in::callback))
}

/// What is about the caller alone and needs no scope.
fn me() -> Router {
    Router::new()
        .push(Router::with_path("api/me").get(me::me))
        .push(Router::with_path("api/session").delete(session::sign_out))
        .push(
            Router::with_path("api/sessions")
                .get(session::list)
                .push(Router::with_path("{id}").delete(session::end)),
        )
}

/// A ticket lets somebody read.
fn ticket() -> Router {
    Router::with_path("api/tickets").hoop(RequireScope::scope(Scope::Read)).post(tickets::create)
}

/// For whoever may submit or read.
fn engine_list() -> Router {
    Router::with_path("api/engines").get(engines::engines)
}

fn tasks() -> Router {
    let all = Router::with_path("api/tasks").hoop(RequireScope::of_users());
    all.post(create::create).get(list::list).push(Router::with_path("bulk").post(bulk::bulk)).push(
        Router::with_path("{id}")
            .get(get::get)
            .delete(erase::erase)
            .push(Router::with_path("cancel").post(cancel::cancel))
            .push(Router::with_path("events").get(events::events))
            .push(Router::with_path("history").get(history::history))
            .push(
                Router::with_path("pages").get(pages::list).push(
                    Router::with_path("{page}")
                        .get(pages::get)
                        .push(Router::with_path("image").get(page_image::image)),
                ),
            )
            .push(Router::with_path("original").get(original::original))
            .push(Router::with_path("search").get(search::search))
            .push(Router::with_path("status").get(status::status))
            .push(
                Router::with_path("result")
                    .get(result::result)
                    .push(Router::with_path("content").get(content::content))
                    .push(Router::with_path("archive").get(archive::archive)),
            )
            .push(Router::with_path("retry").post(retry::retry)),
    )
}

fn uploads() -> Router {
    Router::with_path("api/uploads").hoop(RequireScope::of_users()).post(uploads::begin).push(
        Router::with_path("{id}")
            .delete(uploads::give_up)
            .push(Router::with_path("complete").post(uploads::complete)),
    )
}

/// Every route there is, such as `GET /api/tasks/{id}`: what a list that has to
/// be whole is compared with.
#[must_use]
pub fn names() -> Vec<String> {
    let mut found = Vec::new();
    collect(&routes(), "", "", &mut found);
    found
}

/// A filter that is neither path nor method stands as it is: no list has that.
fn collect(router: &Router, above: &str, method: &str, found: &mut Vec<String>) {
    let (mut path, mut method) = (above.to_owned(), method.to_owned());
    for filter in &router.filters {
        match filter.info() {
            // A parameter that takes the rest of a path is one all the same.
            FilterInfo::Path(part) => {
                path = format!("{path}/{}", part.trim_matches('/').replace("{**", "{"));
            }
            FilterInfo::Method(name) => method = name.to_string(),
            other => path = format!("{path}/{other:?}"),
        }
    }
    if router.goal.is_some() {
        found.push(format!("{method} {}", if path.is_empty() { "/" } else { &path }));
    }
    router.routers.iter().for_each(|child| collect(child, &path, &method, found));
}

/// Failures that no route made (no such route, no such method, a panic) in the
/// same shape as the others.
struct AsJson;

#[async_trait]
impl Handler for AsJson {
    async fn handle(&self, _req: &mut Request, _depot: &mut Depot, res: &mut Response, _ctrl: &mut FlowCtrl) {
        let error = match &res.body {
            ResBody::Error(error) => ApiError::from(error as &StatusError),
            ResBody::None => match res.status_code.unwrap_or(StatusCode::NOT_FOUND) {
                StatusCode::METHOD_NOT_ALLOWED => ApiError::from(&StatusError::method_not_allowed()),
                status if status.is_client_error() => ApiError::from(&StatusError::not_found()),
                status if status.is_server_error() => ApiError::from(&StatusError::internal_server_error()),
                _ => return,
            },
            _ => return,
        };
        error.render(res);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io;
    use std::sync::{Arc, Mutex};

    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use salvo::conn::tcp::TcpAcceptor;
    use salvo::prelude::handler;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_util::sync::CancellationToken;
    use tracing::Instrument;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::connections::{self, ListenerLimits};
    use crate::openapi;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            io::Write::write(&mut *self.0.lock().unwrap(), bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Log {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[handler]
    async fn panics() {
        panic!("nobody expected this");
    }

    #[handler]
    async fn spawns() -> Result<(), ApiError> {
        let work = async { tracing::error!("this was done beside it") };
        tokio::spawn(work.in_current_span()).await.unwrap();
        Err(ApiError::internal("this went wrong"))
    }

    #[handler]
    async fn breaks_off(res: &mut Response) {
        let pieces = [Ok(Bytes::from_static(b"begun")), Err(io::Error::other("the disk is away"))];
        // What came before is sent meanwhile.
        let one_by_one = stream::iter(pieces).then(|piece| async {
            tokio::task::yield_now().await;
            piece
        });
        res.stream(one_by_one);
    }

    /// The answer to a GET of `path`, and what was logged.
    async fn asked(path: &str) -> (String, String) {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
        let _logged = tracing::subscriber::set_default(subscriber);
        let router = Router::new()
            .hoop(CatchPanic::new())
            .push(Router::with_path("panics").get(panics))
            .push(Router::with_path("spawns").get(spawns))
            .push(Router::with_path("breaks").get(breaks_off));
        let timeouts = ClientTimeouts::default();
        let service = with_middleware(router, timeouts, &[], &SiteSettings::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = ListenerLimits { timeouts, open_max: 1, linger_bytes_max: 0 };
        let shutdown = CancellationToken::new();
        let acceptor = TcpAcceptor::try_from(listener).unwrap();
        let answering = connections::answer(acceptor, &service, limits, &shutdown);
        let asking = async {
            let mut client = TcpStream::connect(address).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
            client.write_all(request.as_bytes()).await.unwrap();
            let mut said = Vec::new();
            let _breaks_off = client.read_to_end(&mut said).await;
            shutdown.cancel();
            String::from_utf8(said).unwrap()
        };
        let ((), said) = tokio::join!(answering, asking);
        let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        (said, logged)
    }

    #[test]
    fn every_route_is_described_and_every_description_is_a_route() {
        let routes: BTreeSet<String> = names().into_iter().collect();
        assert_eq!(routes, openapi::names().into_iter().collect());
    }

    #[tokio::test]
    async fn the_cause_of_what_went_wrong_is_logged_under_the_requests_id() {
        for (path, status, cause) in [
            ("/panics", 500, "panic occurred"),
            ("/spawns", 500, "this went wrong"),
            ("/spawns", 500, "this was done beside it"),
            ("/breaks", 200, "the disk is away"),
        ] {
            let (said, logged) = asked(path).await;
            assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {said}");
            assert!(!said.contains(cause), "{path}: {said}");
            if status == 500 {
                assert!(said.contains("\"INTERNAL\""), "{path}: {said}");
            }
            let id = said.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap();
            let line = logged.lines().find(|line| line.contains(cause));
            let line = line.unwrap_or_else(|| panic!("{path}: {cause:?} is not in the log:\n{logged}"));
            assert!(line.contains(id), "{path}: {line}");
        }
    }
}
