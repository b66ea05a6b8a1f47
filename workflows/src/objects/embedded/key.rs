//! The key pair that URLs are signed with. It lies in the store's directory, so
//! that URLs outlive the process, and all processes that serve one directory
//! take each other's.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use uuid::Uuid;

/// Beside the buckets. No bucket has such a name: they begin with a letter or a
/// digit.
const FILE: &str = ".key";

/// Who may use the store.
pub(super) struct KeyPair {
    pub(super) access: String,
    pub(super) secret: String,
}

impl KeyPair {
    /// The pair in `dir`, which is rolled if there is none yet. Of several
    /// processes that start at once one rolls it for all.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        let path = dir.join(FILE);
        match read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            found => return found,
        }
        // Whole before it has its name, and a link never takes a name away.
        let rolled = dir.join(format!("{FILE}-{}", Uuid::new_v4()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&rolled)?;
        let text = format!("{}\n{}\n", random_hex::<10>(), random_hex::<32>());
        let named = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        let named = named.and_then(|()| fs::hard_link(&rolled, &path));
        fs::remove_file(&rolled)?;
        match named {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => read(&path),
        }
    }
}

fn read(path: &Path) -> io::Result<KeyPair> {
    let text = fs::read_to_string(path)?;
    let mut lines = text.lines().map(str::to_owned);
    match (lines.next(), lines.next()) {
        (Some(access), Some(secret)) if access.len() == 20 && secret.len() == 64 => {
            fs::set_permissions(path, Permissions::from_mode(0o600))?;
            Ok(KeyPair { access, secret })
        }
        _ => {
            let why = format!("{} holds no key pair; remove it, and URLs signed before end", path.display());
            Err(io::Error::new(ErrorKind::InvalidData, why))
        }
    }
}

fn random_hex<const BYTES: usize>() -> String {
    hex::encode(rand::random::<[u8; BYTES]>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pair_for_all_who_ask_and_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let pairs: Vec<KeyPair> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| KeyPair::open(dir.path()).unwrap())).collect();
            asking.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(pairs.iter().all(|pair| pair.secret == pairs[0].secret && pair.access == pairs[0].access));
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");
        fs::write(dir.path().join(FILE), "short").unwrap();
        assert!(KeyPair::open(dir.path()).is_err());
    }
}
