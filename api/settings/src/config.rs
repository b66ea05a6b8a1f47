//! All settings together. The environment wins over the file; every part has a
//! default, so nothing needs setting.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use untxt_engine::journal::retention::Retention;
use untxt_plugins::registry::READER;
use untxt_plugins::{ChildProgram, EngineLimits, Trust};
use untxt_workflows::disk_space::DiskLimits;
use untxt_workflows::documents::limits::Limits as DocumentLimits;
use untxt_workflows::fetch::FetchSettings;
use untxt_workflows::objects::ObjectsConfig;
use untxt_workflows::settings::Quota;
use untxt_workflows::settings::Settings;
use untxt_workflows::task_input::TextLayer;
use untxt_workflows::webhooks::WebhookSettings;

use crate::error::ConfigError;
use crate::known::FILE;
use crate::server::{AuthSettings, ClientTimeouts, ConnectionLimits, ServerSettings};
use crate::values::{RUNNING_SERVICES, Values};
use crate::{auth, proxies, values};

/// The hidden command that decodes documents in a process of its own.
pub const RENDER_COMMAND: &str = "render-page";

/// The hidden command that computes models in a process of its own.
pub const MODEL_COMMAND: &str = "compute-models";

/// Where a worker tells about itself unless `UNTXT_WORKER_LISTEN` says otherwise.
pub const WORKER_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5_000);

/// Failed authentications from one address unless
/// `UNTXT_AUTH_FAILURES_PER_MINUTE` says otherwise.
const AUTH_FAILURES_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// Page images that are kept unless `UNTXT_PAGE_IMAGE_CACHE_BYTES_MAX` says otherwise:
/// some five thousand.
const PAGE_IMAGE_BYTES_MAX: u64 = 512 << 20;

/// Below this a busy machine's heartbeats come too late now and then.
const LEASE_MS_MIN: u64 = 2_000;

/// Everything that may be set, read and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// `UNTXT_DATA_DIR`.
    pub data_dir: PathBuf,
    /// `DATABASE_URL`.
    pub database_url: String,
    /// Whether the database is the embedded one, which lays itself out.
    pub embedded_database: bool,
    /// `UNTXT_LISTEN`.
    pub listen: SocketAddr,
    /// `UNTXT_WORKER_LISTEN`, if it is set; a worker listens on
    /// [`WORKER_LISTEN`] otherwise.
    pub worker_listen: Option<SocketAddr>,
    /// For the server.
    pub server: ServerSettings,
    /// For the platform.
    pub settings: Settings,
    /// `UNTXT_LOG`.
    pub log: Option<String>,
    /// `UNTXT_LOG_FORMAT` is `json`.
    pub log_json: bool,
}

impl Config {
    /// Reads `untxt.toml` in the working directory, if it is there, and the
    /// environment. What neither names and a stack that runs over the data
    /// directory has, is the stack's.
    ///
    /// # Errors
    /// [`ConfigError`] that names the setting and what it takes.
    pub fn load() -> Result<Self, ConfigError> {
        let file = values::file(Path::new(FILE))?;
        let environment = values::environment()?;
        let set = |name: &str| environment.get(name).or_else(|| file.get(name)).cloned();
        let running = values::file(&data_dir(&Values { lookup: &set }).join(RUNNING_SERVICES))?;
        Self::from_lookup(&|name| set(name).or_else(|| running.get(name).cloned()))
    }

    /// Reads settings from `lookup`.
    ///
    /// # Errors
    /// [`ConfigError`] that names the setting and what it takes.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let values = Values { lookup };
        let data_dir = data_dir(&values);
        let listen = values.parsed("UNTXT_LISTEN", SocketAddr::from(([127, 0, 0, 1], 8080)))?;
        let worker_listen = match values.text("UNTXT_WORKER_LISTEN") {
            Some(_) => Some(values.parsed("UNTXT_WORKER_LISTEN", WORKER_LISTEN)?),
            None => None,
        };
        let auth = auth::auth(&values)?;
        let mut listeners = vec![("UNTXT_LISTEN", listen)];
        listeners.extend(worker_listen.map(|address| ("UNTXT_WORKER_LISTEN", address)));
        auth::guarded(&values, &auth, &listeners)?;
        let database_url = values.text("DATABASE_URL");
        let settings = settings(&values, &data_dir)?;
        Ok(Self {
            embedded_database: database_url.is_none(),
            database_url: database_url.unwrap_or_else(|| embedded_database(&data_dir)),
            listen,
            worker_listen,
            server: server(&values, auth)?,
            settings,
            log: values.text("UNTXT_LOG"),
            log_json: log_json(&values)?,
            data_dir,
        })
    }
}

fn data_dir(values: &Values<'_>) -> PathBuf {
    PathBuf::from(values.text("UNTXT_DATA_DIR").unwrap_or_else(|| "./.untxt".to_owned()))
}

fn log_json(values: &Values<'_>) -> Result<bool, ConfigError> {
    match values.text("UNTXT_LOG_FORMAT").as_deref() {
        None | Some("text") => Ok(false),
        Some("json") => Ok(true),
        Some(other) => Err(values.wrong("UNTXT_LOG_FORMAT", other.to_owned(), "it is `text` or `json`")),
    }
}

fn embedded_database(data_dir: &Path) -> String {
    format!("sqlite://{}?mode=rwc", data_dir.join("untxt.db").display())
}

fn server(values: &Values<'_>, auth: AuthSettings) -> Result<ServerSettings, ConfigError> {
    let connections = ConnectionLimits {
        per_user: values.parsed("UNTXT_SOCKETS_PER_USER_MAX", 100)?,
        in_all: values.parsed("UNTXT_SOCKETS_MAX", 20_000)?,
    };
    Ok(ServerSettings {
        auth,
        auth_failures_per_minute: auth_failures(values)?,
        connections,
        timeouts: timeouts(values)?,
        cors_origins: origins(values)?,
        site: proxies::site(values)?,
    })
}

/// As many as a person may mistype, unless another number or `none` is set.
fn auth_failures(values: &Values<'_>) -> Result<Option<NonZeroU32>, ConfigError> {
    let name = "UNTXT_AUTH_FAILURES_PER_MINUTE";
    match values.text(name).as_deref() {
        Some("none") => Ok(None),
        _ => Ok(Some(values.parsed(name, AUTH_FAILURES_PER_MINUTE)?)),
    }
}

fn timeouts(values: &Values<'_>) -> Result<ClientTimeouts, ConfigError> {
    let default = ClientTimeouts::default();
    Ok(ClientTimeouts {
        client: millis(values, "UNTXT_CLIENT_TIMEOUT_MS")?.unwrap_or(default.client),
        ping_every: millis(values, "UNTXT_SOCKET_PING_MS")?.unwrap_or(default.ping_every),
    })
}

fn millis(values: &Values<'_>, name: &'static str) -> Result<Option<Duration>, ConfigError> {
    Ok(values.optional::<NonZeroU64>(name)?.map(|millis| Duration::from_millis(millis.get())))
}

/// Sites whose pages are let in, such as `https://app.example.com`.
fn origins(values: &Values<'_>) -> Result<Vec<String>, ConfigError> {
    let name = "UNTXT_CORS_ORIGINS";
    let text = values.text(name).unwrap_or_default();
    let origins: Vec<String> =
        text.split(',').map(|origin| origin.trim().to_owned()).filter(|origin| !origin.is_empty()).collect();
    for origin in &origins {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        if !host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*', '?', '#', '@', ' '])) {
            let reason = format!("{origin:?} is no origin such as https://app.example.com, without a path");
            return Err(values.wrong(name, text.clone(), &reason));
        }
    }
    Ok(origins)
}

fn settings(values: &Values<'_>, data_dir: &Path) -> Result<Settings, ConfigError> {
    let mut objects = ObjectsConfig::from_lookup(|name| values.text(name), data_dir.join("objects"))
        .map_err(|error| ConfigError::Together(error.to_string()))?;
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let upload_bytes_max = values.parsed("UNTXT_MAX_UPLOAD_BYTES", 100 << 20)?;
    objects.embedded_put_bytes_max = upload_bytes_max;
    let wall_ms = values.parsed("UNTXT_ENGINE_TIMEOUT_MS", 120_000_u64)?;
    Ok(Settings {
        data_dir: data_dir.to_owned(),
        redis_url: values.text("REDIS_URL"),
        objects,
        plugin_dir: values.text("UNTXT_PLUGIN_DIR").map_or_else(|| data_dir.join("plugins"), PathBuf::from),
        plugin_trust: plugin_trust(values)?,
        engine: values.text("UNTXT_ENGINE").unwrap_or_else(|| READER.to_owned()),
        text_layer: values.parsed("UNTXT_TEXT_LAYER", TextLayer::default())?,
        concurrency: values.parsed("UNTXT_WORKER_CONCURRENCY", cores)?,
        lease: lease(values)?,
        retention: Retention {
            histories: days(values, "UNTXT_RETAIN_DAYS")?,
            dead_letters: days(values, "UNTXT_RETAIN_DEAD_LETTERS_DAYS")?,
        },
        retain_tasks: days(values, "UNTXT_RETAIN_TASKS_DAYS")?,
        upload_bytes_max,
        disk_limits: DiskLimits {
            spool_bytes_max: spool_bytes_max(values, upload_bytes_max)?,
            reserve_bytes: values.optional("UNTXT_DISK_RESERVE_BYTES")?,
        },
        page_image_bytes_max: values.parsed("UNTXT_PAGE_IMAGE_CACHE_BYTES_MAX", PAGE_IMAGE_BYTES_MAX)?,
        quota: Quota {
            uploads_per_minute: values.optional("UNTXT_UPLOADS_PER_MINUTE")?,
            in_flight_max: values.optional("UNTXT_TASKS_IN_FLIGHT_MAX")?,
        },
        document_limits: document_limits(values, upload_bytes_max)?,
        fetch: fetch(values, upload_bytes_max)?,
        webhooks: webhooks(values)?,
        engine_limits: EngineLimits { wall: Duration::from_millis(wall_ms), ..EngineLimits::default() },
        renderer: this_program(RENDER_COMMAND)?,
        models: this_program(MODEL_COMMAND)?,
    })
}

/// This program with a hidden command.
fn this_program(command: &str) -> Result<ChildProgram, ConfigError> {
    let program = std::env::current_exe()
        .map_err(|error| ConfigError::Together(format!("can't find this program's own file: {error}")))?;
    Ok(ChildProgram { program, arguments: vec![OsString::from(command)] })
}

fn document_limits(values: &Values<'_>, upload_bytes_max: u64) -> Result<DocumentLimits, ConfigError> {
    let default = DocumentLimits::default();
    let seconds = values.optional::<NonZeroU64>("UNTXT_DOCUMENT_DECODE_SECONDS")?;
    let decode_budget = seconds.map_or(default.decode_budget, |seconds| Duration::from_secs(seconds.get()));
    Ok(DocumentLimits { document_bytes_max: upload_bytes_max, decode_budget, ..default })
}

/// At least one upload fits into the spool.
fn spool_bytes_max(values: &Values<'_>, upload_bytes_max: u64) -> Result<u64, ConfigError> {
    let name = "UNTXT_SPOOL_BYTES_MAX";
    let bytes_max = values.parsed(name, DiskLimits::SPOOL_BYTES_MAX.max(upload_bytes_max))?;
    if bytes_max < upload_bytes_max {
        let reason = format!("it is at least UNTXT_MAX_UPLOAD_BYTES, which is {upload_bytes_max}");
        return Err(values.wrong(name, bytes_max.to_string(), &reason));
    }
    Ok(bytes_max)
}

/// Nobody has to be believed unless keys are named.
fn plugin_trust(values: &Values<'_>) -> Result<Trust, ConfigError> {
    let (keys, signatures) = ("UNTXT_PLUGIN_KEYS", "UNTXT_PLUGIN_SIGNATURES");
    let required = match values.text(signatures).as_deref() {
        None | Some("optional") => false,
        Some("required") => true,
        Some(other) => {
            return Err(values.wrong(signatures, other.to_owned(), "it is `optional` or `required`"));
        }
    };
    match values.text(keys) {
        Some(path) => {
            Trust::new(PathBuf::from(&path), required).map_err(|reason| values.wrong(keys, path, &reason))
        }
        None if required => {
            let reason = format!("{keys} has to name the keys whose signatures count");
            Err(values.wrong(signatures, "required".to_owned(), &reason))
        }
        None => Ok(Trust::default()),
    }
}

fn lease(values: &Values<'_>) -> Result<Duration, ConfigError> {
    let name = "UNTXT_LEASE_MS";
    let lease_ms = values.parsed(name, 15_000)?;
    if lease_ms < LEASE_MS_MIN {
        return Err(values.wrong(name, lease_ms.to_string(), &format!("it is at least {LEASE_MS_MIN}")));
    }
    Ok(Duration::from_millis(lease_ms))
}

fn fetch(values: &Values<'_>, upload_bytes_max: u64) -> Result<FetchSettings, ConfigError> {
    let default = FetchSettings::default();
    let seconds: u64 = values.parsed("UNTXT_FETCH_SECONDS", default.deadline.as_secs())?;
    let seconds_max = FetchSettings::DEADLINE_MAX.as_secs();
    if !(1..=seconds_max).contains(&seconds) {
        let wrong = format!("it is 1 to {seconds_max}");
        return Err(values.wrong("UNTXT_FETCH_SECONDS", seconds.to_string(), &wrong));
    }
    Ok(FetchSettings {
        addresses: values.parsed("UNTXT_FETCH_ALLOW_PRIVATE", default.addresses)?,
        deadline: Duration::from_secs(seconds),
        bytes_max: upload_bytes_max,
    })
}

fn webhooks(values: &Values<'_>) -> Result<WebhookSettings, ConfigError> {
    let default = WebhookSettings::default();
    let secrets = values.text("UNTXT_WEBHOOK_SECRETS").map_or(Ok(default.secrets), |secrets| {
        // What is wrong is told, never what was said.
        secrets.parse().map_err(|reason| ConfigError::Together(format!("UNTXT_WEBHOOK_SECRETS: {reason}")))
    })?;
    Ok(WebhookSettings {
        secrets,
        addresses: values.parsed("UNTXT_WEBHOOK_ALLOW_PRIVATE", default.addresses)?,
        attempts: values.parsed("UNTXT_WEBHOOK_ATTEMPTS", default.attempts)?,
    })
}

/// For ever when nothing is set.
fn days(values: &Values<'_>, name: &'static str) -> Result<Option<Duration>, ConfigError> {
    match values.parsed(name, 0_u32)? {
        0 if values.text(name).is_none() => Ok(None),
        0 => Err(values.wrong(name, "0".to_owned(), "it is at least 1; unset it to keep all for ever")),
        days => Ok(Some(Duration::from_secs(u64::from(days) * 24 * 60 * 60))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let set: HashMap<&str, &str> = set.iter().copied().collect();
        Config::from_lookup(&|name| set.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn nothing_needs_setting() {
        let config = read(&[]).unwrap();
        assert!(config.embedded_database && config.settings.objects.is_embedded());
        assert_eq!(config.database_url, "sqlite://./.untxt/untxt.db?mode=rwc");
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.settings.lease, Duration::from_secs(15));
        assert!(config.settings.retention.keeps_all());
    }

    #[test]
    fn others_are_listened_to_once_they_are_asked_who_they_are() {
        for address in ["0.0.0.0:80", "[::]:80", "192.0.2.1:80"] {
            assert!(read(&[("UNTXT_LISTEN", address)]).is_err(), "{address}");
            let asked = read(&[("UNTXT_LISTEN", address), ("UNTXT_AUTH", "api-key")]).unwrap();
            assert_eq!(
                (asked.listen.to_string().as_str(), asked.server.auth),
                (address, AuthSettings::ApiKey)
            );
        }
        assert_eq!(
            read(&[("UNTXT_AUTH", "off"), ("UNTXT_LISTEN", "[::1]:80")]).unwrap().server.auth,
            AuthSettings::Off
        );
    }

    #[test]
    fn tokens_are_taken_from_whom_and_for_whom_it_is_said() {
        let said = [
            ("UNTXT_AUTH", "jwt"),
            ("UNTXT_JWT_ISSUER", "https://id.example.com/realms/a"),
            ("UNTXT_JWT_AUDIENCE", "untxt, scanners"),
        ];
        let AuthSettings::Jwt(settings) = read(&said).unwrap().server.auth else {
            panic!("tokens are taken")
        };
        assert_eq!(settings.issuer.as_str(), "https://id.example.com/realms/a");
        assert_eq!((settings.audiences.join("+").as_str(), settings.skew.as_secs()), ("untxt+scanners", 60));
        let with = |name, value| read(&[&said[..], &[(name, value)]].concat()).unwrap_err().to_string();
        assert!(with("UNTXT_JWT_ISSUER", "http://id.example.com").contains("not an https URL"));
        assert!(with("UNTXT_JWT_SKEW_SECONDS", "601").contains("at most 600"));
        assert!(read(&said[..2]).unwrap_err().to_string().contains("UNTXT_JWT_AUDIENCE is not set"));
    }

    #[test]
    fn errors_name_the_setting() {
        let error = |name, value| read(&[(name, value)]).unwrap_err().to_string();
        assert!(error("UNTXT_WORKER_CONCURRENCY", "0").starts_with("UNTXT_WORKER_CONCURRENCY=\"0\": "));
        assert!(error("UNTXT_LISTEN", "0.0.0.0:80").contains("only loopback"));
        assert!(error("UNTXT_WORKER_LISTEN", "0.0.0.0:80").starts_with("UNTXT_WORKER_LISTEN"));
        assert!(error("UNTXT_LEASE_MS", "1999").contains("at least 2000"));
        assert!(error("UNTXT_RETAIN_DAYS", "0").contains("at least 1"));
        assert!(error("UNTXT_SPOOL_BYTES_MAX", "1000").contains("at least UNTXT_MAX_UPLOAD_BYTES"));
        assert!(error("UNTXT_UPLOADS_PER_MINUTE", "0").starts_with("UNTXT_UPLOADS_PER_MINUTE"));
        assert!(error("UNTXT_CORS_ORIGINS", "https://a.example,*").contains("\"*\" is no origin"));
        assert!(
            error("UNTXT_PUBLIC_URL", "ocr.example.com")
                .starts_with("UNTXT_PUBLIC_URL=\"ocr.example.com\": ")
        );
        assert!(error("UNTXT_TRUSTED_PROXIES", "10.0.0.1, proxy").contains("\"proxy\" is no network"));
        assert!(error("UNTXT_AUTH", "password").contains("it is `off`, `api-key` or"));
        assert!(error("UNTXT_AUTH", "jwt").contains("UNTXT_JWT_ISSUER is not set"));
        assert!(error("UNTXT_WEBHOOK_ALLOW_PRIVATE", "10/8").contains("is no network"));
        assert!(error("UNTXT_FETCH_ALLOW_PRIVATE", "10/8").contains("is no network"));
        assert!(error("UNTXT_FETCH_SECONDS", "601").contains("it is 1 to 600"));
        let weak = error("UNTXT_WEBHOOK_SECRETS", "tooshort");
        assert!(weak.starts_with("UNTXT_WEBHOOK_SECRETS") && !weak.contains("tooshort"), "{weak}");
        assert!(error("UNTXT_PLUGIN_SIGNATURES", "required").contains("UNTXT_PLUGIN_KEYS"));
        assert!(error("UNTXT_PLUGIN_SIGNATURES", "on").contains("it is `optional`"));
        assert!(error("UNTXT_PLUGIN_KEYS", "/nowhere").starts_with("UNTXT_PLUGIN_KEYS=\"/nowhere\": "));
        assert!(error("S3_KMS_KEY_ID", "k").contains("S3_KMS_KEY_ID"));
    }
}
