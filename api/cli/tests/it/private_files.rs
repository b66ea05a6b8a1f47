//! What lies in the data directory is its owner's alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::client::Upload;
use crate::home::{Home, built};
use crate::samples;
use crate::server::Server;

/// Everything at and below `path` that others may read, write or enter.
fn open_to_others(path: &Path) -> Vec<(PathBuf, u32)> {
    let found = fs::symlink_metadata(path).unwrap();
    let mode = found.permissions().mode();
    let mut open = Vec::new();
    if mode & 0o077 != 0 {
        open.push((path.to_owned(), mode & 0o777));
    }
    if found.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| open.extend(open_to_others(&entry.unwrap().path())));
    }
    open
}

#[tokio::test]
async fn others_can_read_nothing_of_what_a_server_keeps() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let user = Uuid::new_v4();
    let mut socket = client.socket(user).await;
    let task = client.accepted(Upload::new(user, "letter.pdf", samples::pdf(2))).await;
    assert_eq!(socket.end_of(&task).await, "completed");
    assert_eq!(home.objects(), 2);
    let data = home.path("data");
    for kept in ["untxt.db", "untxt.db-wal", "objects/untxt", "tmp", "cache"] {
        assert!(data.join(kept).exists(), "{kept}");
    }
    assert_eq!(open_to_others(&data), []);
    server.terminate();
    assert_eq!(open_to_others(&data), []);
}

#[test]
fn results_of_the_command_are_as_readable_as_their_files() {
    let home = Home::new();
    let scan = home.write("scan.png", &samples::picture(1));
    fs::set_permissions(&scan, fs::Permissions::from_mode(0o640)).unwrap();
    home.run(&["ocr", "scan.png", "--keep", "--out", "results"]).exits(0);
    let mode = |name: &str| fs::metadata(home.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("results/scan.html"), mode("results") & 0o700), (0o640, 0o700));
    assert_eq!(open_to_others(&home.path("data")), []);
}

#[test]
fn an_engine_that_is_installed_first_makes_no_open_directory() {
    let home = Home::new();
    let component = built("line-count");
    let install = ["plugin", "install", component.to_str().unwrap()];
    home.run(&install).exits(0);
    assert_eq!(fs::metadata(home.path("data")).unwrap().permissions().mode() & 0o777, 0o700);
}
