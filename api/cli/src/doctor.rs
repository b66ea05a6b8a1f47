//! `untxt doctor`: what is well, what isn't, and what to do about it.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use untxt_api::auth::jwt;
use untxt_engine::journal::clock::CLOCKS_APART_MAX;
use untxt_engine::journal::database::Database;
use untxt_engine::journal::version::{POSTGRES_MIN, postgres_version};
use untxt_engine::queue::QueueServer;
use untxt_settings::Config;
use untxt_settings::server::{AuthSettings, JwtSettings};
use untxt_workflows::clocks::Apart;
use untxt_workflows::objects::Objects;
use untxt_workflows::ocr::WORKFLOW;
use untxt_workflows::operations::Operations;
use untxt_workflows::records::Records;

use crate::failure::{Failure, chain};
use crate::{data_dir, output, start};

/// Free space below which a disk is called full: ten uploads of the default
/// limit.
const FREE_BYTES_MIN: u64 = 1 << 30;

/// A PNG of one white pixel, to see that decoding works.
const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\x9cc\xf8\x0f\0\x01\x01\x01\0\x1b\xb6\xeeV\0\0\0\0IEND\xaeB`\x82";

struct Finding {
    part: &'static str,
    well: bool,
    /// Whether it is worth a look although nothing fails because of it.
    warns: bool,
    text: String,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(arguments: &DoctorArguments) -> Result<ExitCode, Failure> {
    let config = start::config("error")?;
    let mut findings = vec![finding("disk", disk(&config)), database(&config).await];
    findings.push(decoder(&config).await);
    findings.extend(journal(&config).await);
    findings.push(finding("objects", objects(&config).await));
    findings.extend(engines(&config).await);
    if let AuthSettings::Jwt(settings) = &config.server.auth {
        findings.push(finding("provider", provider(settings).await));
    }
    let well = findings.iter().all(|finding| finding.well);
    for finding in &findings {
        if arguments.json {
            let Finding { part, well, warns, text } = finding;
            output::json(&json!({ "part": part, "well": well, "warning": warns, "text": text }));
        } else {
            let word = match finding {
                Finding { well: false, .. } => "FAIL",
                Finding { warns: true, .. } => "warn",
                _ => "ok  ",
            };
            output::line(&format!("{word}  {:<9}  {}", finding.part, finding.text));
        }
    }
    let unreachable = findings.iter().any(|finding| {
        !finding.well && matches!(finding.part, "database" | "queue" | "objects" | "provider")
    });
    Ok(ExitCode::from(if well {
        0
    } else if unreachable {
        3
    } else {
        1
    }))
}

fn finding(part: &'static str, outcome: Result<String, String>) -> Finding {
    let well = outcome.is_ok();
    Finding { part, well, warns: false, text: outcome.unwrap_or_else(|text| text) }
}

fn disk(config: &Config) -> Result<String, String> {
    data_dir::prepare(config).map_err(|failure| failure.to_string())?;
    let dir = &config.data_dir;
    let shown = dir.display();
    let written = tempfile::tempfile_in(dir).and_then(|mut file| file.write_all(b"x"));
    written.map_err(|error| format!("{shown} can't be written to: {error}; UNTXT_DATA_DIR names it"))?;
    let free = rustix::fs::statvfs(dir).map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize));
    match free {
        Ok(free) if free < FREE_BYTES_MIN => {
            Err(format!("{shown} has only {} MiB free; make room or move UNTXT_DATA_DIR", free >> 20))
        }
        Ok(free) => Ok(format!("{shown} can be written to, {} GiB free", free >> 30)),
        Err(error) => Err(format!("can't tell how much is free on {shown}: {error}")),
    }
}

async fn database(config: &Config) -> Finding {
    let kind = config.database_url.split(':').next().unwrap_or_default();
    let outcome = match start::connect(config).await {
        Err(failure) => Err(failure.to_string()),
        Ok(database) => match untxt_migrations::pending(&database).await {
            Ok(0) => version(&database).await.map(|version| format!("{kind}{version}, laid out")),
            _ if config.embedded_database => Ok(format!("{kind}, lays itself out")),
            Ok(missing) => Err(format!("{kind}: {missing} migration(s) are missing; run `untxt migrate up`")),
            Err(error) => Err(format!("{kind}: not laid out; run `untxt migrate up`: {error}")),
        },
    };
    finding("database", outcome)
}

/// The version of a PostgreSQL, if it is one and new enough.
async fn version(database: &Database) -> Result<String, String> {
    match postgres_version(database).await.map_err(|error| error.to_string())? {
        None => Ok(String::new()),
        Some((version, true)) => Ok(format!(" {version}")),
        Some((version, false)) => Err(format!(
            "PostgreSQL {version} is too old: {} is the oldest that works, for the journal's connection sets \
             plan_cache_mode",
            POSTGRES_MIN / 10_000
        )),
    }
}

async fn decoder(config: &Config) -> Finding {
    let renderer = config.settings.renderer();
    let probed = async {
        let mut file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        file.write_all(PIXEL).map_err(|error| error.to_string())?;
        renderer.probe(file.path()).await.map_err(|error| chain(&error))
    };
    finding("decoder", probed.await.map(|_| "documents are decoded in a process of their own".to_owned()))
}

async fn provider(settings: &JwtSettings) -> Result<String, String> {
    let keys = jwt::check(settings).await.map_err(|error| error.to_string())?;
    Ok(format!("{} answers, {keys} key(s) that tokens may be signed with", settings.issuer))
}

async fn queue(config: &Config, records: &Records) -> Result<String, String> {
    let depth = records.engine().depth(WORKFLOW).await.map_err(|error| error.to_string())?;
    if config.settings.redis_url.is_none() {
        return Ok("in this process; REDIS_URL names one that processes share".to_owned());
    }
    let server = records.engine().queue_server().await.map_err(|error| error.to_string())?;
    let version = server.as_ref().map_or("unknown", |server| &server.version);
    if server.as_ref().is_some_and(|server| !server.is_new_enough()) {
        let (major, minor) = QueueServer::MIN;
        return Err(format!(
            "Redis {version} is too old: {major}.{minor} is the oldest that works, for the queue says ZADD with LT"
        ));
    }
    Ok(format!("Redis {version} answers, {} deliveries wait", depth.ready + depth.scheduled))
}

/// How far this machine's clock is off. Nothing that processes share goes by
/// it, so that it is a warning.
async fn clocks(records: &Records) -> Vec<Finding> {
    let found = |apart: Apart| {
        let too_far = apart.is_too_far();
        let advice = format!(", more than {CLOCKS_APART_MAX:?}; is its time synchronised?");
        let text = format!("this machine's is {apart}{}", if too_far { &advice } else { "" });
        Finding { part: "clock", well: true, warns: too_far, text }
    };
    records.clocks_apart().await.into_iter().map(found).collect()
}

/// The queue and the clocks, for which the journal has to be open.
async fn journal(config: &Config) -> Vec<Finding> {
    let opened = async {
        let database = start::database(config).await.map_err(|failure| failure.to_string())?;
        Operations::open(config.settings.clone(), database).await.map_err(|error| chain(&error))
    };
    match opened.await {
        Ok(Operations { records, .. }) => {
            let mut findings = vec![finding("queue", queue(config, &records).await)];
            findings.extend(clocks(&records).await);
            findings
        }
        Err(text) => vec![finding("journal", Err(text))],
    }
}

async fn objects(config: &Config) -> Result<String, String> {
    let kind = if config.settings.objects.is_embedded() { "the embedded store" } else { "S3" };
    let checked = async { Objects::connect(config.settings.objects.clone()).await?.check().await };
    checked.await.map(|()| format!("{kind} answers")).map_err(|error| chain(&error))
}

async fn engines(config: &Config) -> Vec<Finding> {
    let registry = match config.settings.engines() {
        Ok(registry) => registry,
        Err(error) => return vec![finding("engine", Err(error.to_string()))],
    };
    let default = registry.resolve(&config.settings.engine).await;
    let mut findings: Vec<Finding> = default
        .err()
        .map(|error| finding("engine", Err(format!("UNTXT_ENGINE: {error}"))))
        .into_iter()
        .collect();
    for engine in registry.list().await {
        let origin = if engine.built_in { "built in" } else { "from the plugin directory" };
        let digest: String = engine.digest.chars().take(12).collect();
        findings.push(finding(
            "engine",
            match engine.error {
                Some(error) => Err(error),
                None => Ok(format!("{} {} ({digest}, {origin})", engine.name, engine.version)),
            },
        ));
    }
    findings
}
