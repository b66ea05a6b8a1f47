//! `UNTXT_PUBLIC_URL` and `UNTXT_TRUSTED_PROXIES`: where clients see the server.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::error::ConfigError;
use crate::server::SiteSettings;
use crate::values::Values;

pub(crate) fn site(values: &Values<'_>) -> Result<SiteSettings, ConfigError> {
    Ok(SiteSettings { public_url: values.optional("UNTXT_PUBLIC_URL")?, trusted_proxies: proxies(values)? })
}

/// Networks, or single addresses, with commas between them.
fn proxies(values: &Values<'_>) -> Result<Vec<IpNet>, ConfigError> {
    let name = "UNTXT_TRUSTED_PROXIES";
    let text = values.text(name).unwrap_or_default();
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let alone = || part.parse::<IpAddr>().map(IpNet::from);
            part.parse::<IpNet>().or_else(|_| alone()).map_err(|_| {
                let reason = format!("{part:?} is no network such as 10.0.0.0/8 and no address");
                values.wrong(name, text.clone(), &reason)
            })
        })
        .collect()
}
