//! Which certificate authorities this machine trusts.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};

/// TLS with the machine's certificate authorities, or those that `SSL_CERT_FILE`
/// names: read once, and again as long as there are none. Speaks HTTP/1.1.
///
/// # Errors
/// The reason, with a remedy, when there are none.
pub(crate) fn config() -> Result<Arc<ClientConfig>, String> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    match CONFIG.get() {
        Some(config) => Ok(Arc::clone(config)),
        None => load().map(|config| Arc::clone(CONFIG.get_or_init(|| config))),
    }
}

fn load() -> Result<Arc<ClientConfig>, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let message =
            "this machine has no certificate authorities; install ca-certificates or set SSL_CERT_FILE";
        return Err(message.to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
