//! Memory does not grow with the file, nor with its pages.

#![cfg(target_os = "linux")]

use std::fs;

use uuid::Uuid;

use crate::client::Upload;
use crate::home::Home;
use crate::samples;
use crate::server::Server;

const MEGABYTE: usize = 1_000_000;

/// What the buffers of an upload in parts take, which 1 MB does not need: parts
/// in flight in the client and in the embedded store.
const BUFFERS_KIB_MAX: u64 = 60_000_000 / 1024;

/// What the allocator may add when five times as much goes through the same
/// buffers. A file that is held whole, even once, goes far beyond.
const GROWTH_KIB_MAX: u64 = 25_000_000 / 1024;

#[tokio::test]
async fn a_hundred_megabytes_take_no_more_than_twenty() {
    let [one, twenty, hundred] = peaks_kib().await;
    assert!(hundred < one + BUFFERS_KIB_MAX, "peak in KiB after 1 MB: {one}, after 100 MB: {hundred}");
    assert!(hundred < twenty + GROWTH_KIB_MAX, "peak in KiB after 20 MB: {twenty}, after 100 MB: {hundred}");
}

/// What the allocator may add when three times as many pages become a result. All
/// pages at once, and their JSON, go beyond.
const PAGES_GROWTH_KIB_MAX: u64 = 40_000_000 / 1024;

#[tokio::test]
async fn six_hundred_pages_take_no_more_than_two_hundred() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let mut peaks = [0; 2];
    for (peak, pages) in peaks.iter_mut().zip([200, 600]) {
        let upload = Upload::new(user, "book.pdf", samples::book(pages)).with("formats", "json,html");
        let task = client.accepted(upload).await;
        assert_eq!(socket.end_of(&task).await, "completed");
        *peak = peak_kib(server.id());
    }
    let [some, many] = peaks;
    assert!(many < some + PAGES_GROWTH_KIB_MAX, "peak in KiB after 200 pages: {some}, after 600: {many}");
}

/// Peaks after files of 1, 20 and 100 MB went all the way: in, to the worker,
/// to the result.
async fn peaks_kib() -> [u64; 3] {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let user = Uuid::new_v4();
    let mut socket = client.socket(user).await;
    let mut peaks = [0; 3];
    for (peak, size) in peaks.iter_mut().zip([MEGABYTE, 20 * MEGABYTE, 100 * MEGABYTE]) {
        let task = client.accepted(Upload::new(user, "large.pdf", samples::padded_pdf(1, size))).await;
        assert_eq!(socket.end_of(&task).await, "completed");
        *peak = peak_kib(server.id());
    }
    peaks
}

/// The most memory the process ever had in use.
fn peak_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
