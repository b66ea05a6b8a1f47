//! `<name>.toml` in the plugin directory: what the operator allows the engine of
//! that name. A change applies from the next page.

use std::time::Duration;

use http::header::HeaderName;
use serde::Deserialize;
use untxt_net::{AddressPolicy, Origin};

use crate::limits::EngineLimits;
use crate::manifest::Wants;

/// Most memory that an operator can allow: that of an instance of the pool.
pub(crate) const MEMORY_BYTES_CEILING: usize = 1 << 30;

/// What an operator allows an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// Limits that differ from the defaults.
    pub limits: GrantedLimits,
    /// Servers it may call.
    pub http: GrantedHttp,
    /// Headers that the host adds for those servers.
    pub secrets: Vec<Secret>,
}

/// Servers an engine may call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrantedHttp {
    /// Such as `https://api.example.com` and `http://127.0.0.1:8000`.
    pub origins: Vec<String>,
    /// Whether a name may resolve to an address that is not public. `localhost` and
    /// hosts written as addresses may in any case.
    pub private: bool,
}

/// A header that the host adds to requests to one server. The engine never sees
/// its value.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// Its name in the manifest.
    pub name: String,
    /// The one server it is sent to.
    pub origin: String,
    /// Header, such as `authorization`.
    pub header: String,
    /// Put before the secret, such as `Bearer `.
    #[serde(default)]
    pub prefix: String,
    /// Environment variable that holds it.
    pub env: String,
}

/// Limits by their names in [`EngineLimits`]; omitted ones keep their default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrantedLimits {
    /// Linear memory, MiB; at most 1024.
    pub memory_mib: Option<usize>,
    /// Memory of the process that computes an engine's models, MiB.
    pub model_memory_mib: Option<usize>,
    /// Wall clock of a page, milliseconds.
    pub wall_ms: Option<u64>,
    /// Text of an answer, bytes.
    pub text_bytes: Option<usize>,
    /// HTML of an answer, bytes.
    pub html_bytes: Option<usize>,
    /// Words of an answer.
    pub words: Option<usize>,
    /// Log of a call that is kept, bytes.
    pub log_bytes: Option<usize>,
    /// Lines of that log.
    pub log_lines: Option<usize>,
    /// Requests of a call to servers.
    pub http_requests: Option<u32>,
    /// Bytes that those may send, and bytes that they may receive.
    pub http_bytes: Option<usize>,
    /// Consecutive crashes and time-outs after which a version is quarantined; 0:
    /// never.
    pub faults: Option<u32>,
}

impl Grants {
    /// Parses an operator's file.
    ///
    /// # Errors
    /// What is wrong, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let grants: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let memory_mib_max = MEMORY_BYTES_CEILING >> 20;
        if grants.limits.memory_mib.is_some_and(|mib| mib > memory_mib_max) {
            return Err(format!("limits.memory_mib: at most {memory_mib_max}"));
        }
        let origins = grants.http.origins.iter().chain(grants.secrets.iter().map(|secret| &secret.origin));
        for origin in origins {
            Origin::parse(origin).map_err(|error| error.to_string())?;
        }
        for Secret { header, .. } in &grants.secrets {
            HeaderName::try_from(header).map_err(|error| format!("secrets.header {header:?}: {error}"))?;
        }
        Ok(grants)
    }

    /// The granted servers, each with the addresses that its name may have.
    pub(crate) fn origins(&self) -> impl Iterator<Item = (Origin, AddressPolicy)> {
        let parsed = self.http.origins.iter().filter_map(|origin| Origin::parse(origin).ok());
        parsed.map(|origin| {
            let any = self.http.private || origin.address().is_some() || origin.host == "localhost";
            (origin, if any { AddressPolicy::Any } else { AddressPolicy::Public })
        })
    }

    /// The limits of an engine that requests `wants`: the operator's where there
    /// are any, else the smaller of `all` and what it requests.
    #[must_use]
    pub fn limits(&self, all: &EngineLimits, wants: Option<&Wants>) -> EngineLimits {
        let own = &self.limits;
        let asked_memory = wants.and_then(|wants| wants.memory_mib).map_or(usize::MAX, mib);
        let asked_models = wants.and_then(|wants| wants.model_memory_mib).map_or(usize::MAX, mib);
        let asked_wall = wants.and_then(|wants| wants.wall_ms).map_or(Duration::MAX, Duration::from_millis);
        EngineLimits {
            memory_bytes_max: own.memory_mib.map_or_else(|| all.memory_bytes_max.min(asked_memory), mib),
            model_memory_bytes_max: own
                .model_memory_mib
                .map_or_else(|| all.model_memory_bytes_max.min(asked_models), mib),
            wall: own.wall_ms.map_or_else(|| all.wall.min(asked_wall), Duration::from_millis),
            text_bytes_max: own.text_bytes.unwrap_or(all.text_bytes_max),
            html_bytes_max: own.html_bytes.unwrap_or(all.html_bytes_max),
            words_max: own.words.unwrap_or(all.words_max),
            log_bytes_max: own.log_bytes.unwrap_or(all.log_bytes_max),
            log_lines_max: own.log_lines.unwrap_or(all.log_lines_max),
            http_requests_max: own.http_requests.unwrap_or(all.http_requests_max),
            http_bytes_max: own.http_bytes.unwrap_or(all.http_bytes_max),
            faults_max: own.faults.unwrap_or(all.faults_max),
            component_bytes_max: all.component_bytes_max,
        }
    }
}

fn mib(count: usize) -> usize {
    count.saturating_mul(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_may_request_less_and_an_operator_may_allow_more() {
        let all = EngineLimits::default();
        let wants = |memory_mib| Wants { memory_mib: Some(memory_mib), ..Wants::default() };
        let nothing = Grants::default();
        assert_eq!(nothing.limits(&all, None), all);
        assert_eq!(nothing.limits(&all, Some(&wants(8))).memory_bytes_max, 8 << 20);
        assert_eq!(nothing.limits(&all, Some(&wants(9_999))).memory_bytes_max, all.memory_bytes_max);
        let more = Grants::parse("[limits]\nmemory_mib = 512\nwords = 9").expect("it can be read");
        let given = more.limits(&all, Some(&wants(8)));
        assert_eq!((given.memory_bytes_max, given.words_max, given.wall), (512 << 20, 9, all.wall));
        let models = Grants::parse("[limits]\nmodel_memory_mib = 2048").expect("it can be read");
        let wants = Wants { model_memory_mib: Some(512), ..Wants::default() };
        assert_eq!(nothing.limits(&all, Some(&wants)).model_memory_bytes_max, 512 << 20);
        assert_eq!(models.limits(&all, Some(&wants)).model_memory_bytes_max, 2048 << 20);
        for (text, says) in [("[limits]\nmemory_mib = 1025", "at most 1024"), ("[limit]", "limit")] {
            assert!(Grants::parse(text).expect_err("it is wrong").contains(says), "{text}");
        }
    }
}
