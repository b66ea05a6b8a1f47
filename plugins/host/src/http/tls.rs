//! Whom this machine trusts.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};

/// TLS with the machine's certificate authorities, or those that `SSL_CERT_FILE`
/// names: read once, and again as long as there are none. Speaks HTTP/1.1.
///
/// # Errors
/// When there are none, with what to do about it.
pub fn tls() -> Result<Arc<ClientConfig>, String> {
    static READ: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    match READ.get() {
        Some(read) => Ok(Arc::clone(read)),
        None => read().map(|new| Arc::clone(READ.get_or_init(|| new))),
    }
}

fn read() -> Result<Arc<ClientConfig>, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (known, _) = roots.add_parsable_certificates(found.certs);
    if known == 0 {
        let missing =
            "this machine knows no certificate authority; install ca-certificates or set SSL_CERT_FILE";
        return Err(missing.to_owned());
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
