//! Proxies of a test's own, as the distribution packages them, in front of a
//! server.

use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{Duration, interval};

use crate::home::PATIENCE;

/// The guide with the configurations.
const GUIDE: &str = include_str!("../../../guides/operations.md");

/// The server's address there.
const ADDRESS: &str = "127.0.0.1:8080";

/// How often it is tried whether a proxy listens. None of them says.
const TRY_EVERY: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Caddy,
}

impl Kind {
    /// Those that are here. What is missing is named, so that a test that was not
    /// made does not look like one that was.
    pub(crate) fn installed() -> Vec<Self> {
        let (here, missing): (Vec<_>, Vec<_>) =
            [Self::Nginx, Self::Caddy].into_iter().partition(|kind| kind.program().is_some());
        for kind in missing {
            let package = kind.package();
            let _nobody_reads =
                writeln!(std::io::stderr(), "NOT TRIED: {kind:?} is not installed (Debian: {package})");
        }
        here
    }

    fn program(self) -> Option<PathBuf> {
        let name = match self {
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let dirs = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
        dirs.map(|dir| dir.join(name)).find(|program| program.is_file())
    }

    fn package(self) -> &'static str {
        match self {
            Self::Nginx => "nginx-light",
            Self::Caddy => "caddy",
        }
    }

    /// The configuration of the guide for this proxy, with the server where it
    /// is: below `/ocr`.
    pub(crate) fn as_in_the_guide(self, server: &str) -> String {
        let fence = match self {
            Self::Nginx => "```nginx\n",
            Self::Caddy => "```caddyfile\n",
        };
        let block = GUIDE.split(fence).nth(1).unwrap().split("```").next().unwrap();
        assert!(block.contains(ADDRESS), "{block}");
        block.replace(ADDRESS, address(server))
    }

    /// As little as makes it a proxy.
    pub(crate) fn plain(self, server: &str) -> String {
        let server = address(server);
        match self {
            Self::Nginx => format!(
                "location / {{ proxy_pass http://{server}; proxy_http_version 1.1; client_max_body_size 0; \
                 proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection; }}"
            ),
            // Its own default is to pass the client's Host on.
            Self::Caddy => format!("reverse_proxy {server} {{\n header_up Host {{upstream_hostport}}\n }}"),
        }
    }
}

fn address(server: &str) -> &str {
    server.strip_prefix("http://").unwrap()
}

/// An address that nobody listens on now.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A running proxy; it ends with the value.
pub(crate) struct Proxy {
    child: Child,
    /// Where it listens.
    pub(crate) base: String,
    dir: TempDir,
}

impl Proxy {
    /// Starts one at `listen` that does as `block` says, and waits until it listens.
    pub(crate) async fn start(kind: Kind, listen: SocketAddr, block: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = File::create(dir.path().join("log")).unwrap();
        let program = kind.program().unwrap();
        let mut command = match kind {
            Kind::Nginx => nginx(&program, dir.path(), listen, block),
            Kind::Caddy => caddy(&program, dir.path(), listen, block),
        };
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap();
        let mut proxy = Self { child, base: format!("http://{listen}"), dir };
        proxy.until_it_listens(listen).await;
        proxy
    }

    async fn until_it_listens(&mut self, listen: SocketAddr) {
        let (began, mut pace) = (Instant::now(), interval(TRY_EVERY));
        while TcpStream::connect(listen).await.is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && began.elapsed() < PATIENCE, "{ended:?}:\n{}", self.log());
            pace.tick().await;
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
        if std::thread::panicking() {
            let _nobody_reads = writeln!(std::io::stderr(), "the proxy's log:\n{}", self.log());
        }
    }
}

/// One process in the foreground, so that none is left when it is killed.
fn nginx(program: &Path, dir: &Path, listen: SocketAddr, block: &str) -> Command {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {}/{name};\n", dir.display()))
        .concat();
    let config = format!(
        "daemon off;\nmaster_process off;\npid {dir}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n\
         {temporary}server {{\nlisten {listen};\n{block}\n}}\n}}\n",
        dir = dir.display()
    );
    let path = dir.join("nginx.conf");
    std::fs::write(&path, config).unwrap();
    let mut command = Command::new(program);
    command.arg("-p").arg(dir).arg("-c").arg(path).args(["-e", "stderr"]);
    command
}

fn caddy(program: &Path, dir: &Path, listen: SocketAddr, block: &str) -> Command {
    let config =
        format!("{{\nadmin off\nauto_https off\n}}\nhttp://{listen} {{\nbind {}\n{block}\n}}\n", listen.ip());
    let path = dir.join("Caddyfile");
    std::fs::write(&path, config).unwrap();
    let mut command = Command::new(program);
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(path);
    command.env("HOME", dir).env("XDG_DATA_HOME", dir).env("XDG_CONFIG_HOME", dir);
    command
}
