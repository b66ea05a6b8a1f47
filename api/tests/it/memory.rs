//! Memory does not grow with the file.

#![cfg(target_os = "linux")]

use std::fs;

use uuid::Uuid;

use crate::client::Upload;
use crate::home::Home;
use crate::samples;
use crate::server::Server;

const MEGABYTE: usize = 1_000_000;

/// By how much the peak may differ: buffers and the allocator's own ways, a
/// third of what holding the file once would take.
const GROWTH_KIB_MAX: u64 = 30_000_000 / 1024;

#[tokio::test]
async fn a_hundred_megabytes_take_no_more_than_one() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let user = Uuid::new_v4();
    let mut socket = client.socket(user).await;
    let mut peaks = Vec::new();
    for size in [MEGABYTE, 100 * MEGABYTE] {
        // All the way: in, to the worker, to the result.
        let task = client.accepted(Upload::new(user, "large.pdf", samples::padded_pdf(1, size))).await;
        assert_eq!(socket.end_of(&task).await, "completed");
        peaks.push(peak_kib(server.id()));
    }
    assert!(peaks[1] < peaks[0] + GROWTH_KIB_MAX, "peak in KiB after 1 MB and after 100 MB: {peaks:?}");
}

/// The most memory the process ever had in use.
fn peak_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
