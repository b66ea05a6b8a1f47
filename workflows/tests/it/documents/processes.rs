//! The child and its parent: neither outlives the other's interest, and
//! neither trusts the other.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use image::{GrayImage, ImageFormat};
use rustix::process::{Pid, Signal, kill_process};
use untxt_plugins::ChildProgram;
use untxt_workflows::documents::DocumentError;
use untxt_workflows::documents::limits::Limits;
use untxt_workflows::documents::renderer::{RenderOptions, Renderer, RendererConfig};

use super::harness::{CHILD, RendererHarness};
use super::hostile::nested_forms;
use super::pdf_file::pages;
use super::pictures::encoded;

const ABORTED: i32 = 6;

#[tokio::test]
async fn nobody_waits_any_more_and_the_child_is_gone() {
    let harness = RendererHarness::new();
    let path = harness.file("bomb.pdf", &nested_forms());
    let renderer = harness.renderer.clone();
    let waiting = tokio::spawn(async move { renderer.render(&path, 0, RenderOptions::default()).await });
    until(|| harness.children().len() == 1).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    until(|| harness.children().is_empty()).await;
}

#[tokio::test]
async fn a_child_looks_at_one_document_after_the_other_and_none_suffers_for_another() {
    let mut harness = RendererHarness::new();
    let good = pages((72, 72), "", &["", ""]);
    assert_eq!(harness.probe(&good).await.unwrap().pages, 2);
    let first = harness.children();
    assert_eq!(harness.probe(&good).await.unwrap().pages, 2);
    assert_eq!((first.len(), harness.children()), (1, first.clone()), "the same child");

    assert_eq!(harness.probe(b"%PDF-1.7 and nothing else").await.unwrap_err().code(), "DOCUMENT_BROKEN");
    assert!(harness.children().is_empty(), "who met something wrong is gone");

    assert_eq!(harness.probe(&good).await.unwrap().pages, 2);
    let killed = harness.children();
    assert!(killed.len() == 1 && killed != first);
    let id = Pid::from_raw(i32::try_from(killed[0]).unwrap()).unwrap();
    kill_process(id, Signal::KILL).unwrap();
    assert_eq!(harness.probe(&good).await.unwrap().pages, 2, "another is asked");
    for _ in 0..100 {
        harness.probe(&good).await.unwrap();
    }
    assert_eq!(harness.children().len(), 1);

    harness.forget();
    until(|| harness.children().is_empty()).await;
}

#[tokio::test]
async fn a_document_of_several_pages_stays_open_in_a_child_of_its_own() {
    let harness = RendererHarness::new();
    let (one, other) = (pages((72, 72), "", &["", "", ""]), pages((72, 72), "", &["0 0 9 9 re f", ""]));
    let (one, other) = (harness.file("one.pdf", &one), harness.file("other.pdf", &other));
    page(&harness.renderer, &one, 0).await.unwrap();
    let first = harness.children();
    page(&harness.renderer, &one, 1).await.unwrap();
    page(&harness.renderer, &one, 2).await.unwrap();
    assert_eq!((first.len(), harness.children()), (1, first.clone()), "the same child");

    page(&harness.renderer, &other, 0).await.unwrap();
    let both = harness.children();
    assert_eq!(both.len(), 2, "another open document has another child");
    let third = harness.file("third.pdf", &pages((72, 72), "", &["", ""]));
    page(&harness.renderer, &third, 0).await.unwrap();
    page(&harness.renderer, &third, 1).await.unwrap();
    assert_eq!(harness.children(), both, "no third one: the oldest is closed");

    assert_eq!(page(&harness.renderer, &third, 7).await.unwrap_err().code(), "PAGE_OUT_OF_RANGE");
    assert_eq!(harness.children().len(), 1, "who met something wrong is gone");

    for _ in 0..100 {
        page(&harness.renderer, &other, 0).await.unwrap();
    }
    let replaced = harness.children();
    assert!(replaced.len() == 1 && !both.contains(&replaced[0]), "replaced after a hundred pages");

    std::fs::write(&other, pages((36, 72), "", &["", ""])).unwrap();
    let rendered = harness.renderer.render(&other, 0, RenderOptions::default()).await.unwrap();
    assert_eq!(rendered.width, 75, "what lies there now, not what did");

    harness.renderer.close(other.parent().unwrap());
    until(|| harness.children().is_empty()).await;
}

#[tokio::test]
async fn small_documents_of_one_tenant_share_a_child_and_those_of_another_do_not() {
    let harness = RendererHarness::new();
    let (of_one, of_other) = (harness.renderer.for_tenant("one"), harness.renderer.for_tenant("other"));
    let mut first = Vec::new();
    for number in 0..50 {
        let path = harness.file(&format!("{number}.pdf"), &pages((72, 72 + 12 * number), "", &[""]));
        let rendered = of_one.render(&path, 0, RenderOptions::default()).await.unwrap();
        assert_eq!(rendered.height, 150 + 25 * number, "document {number}");
        if number == 0 {
            first = harness.children();
        }
    }
    assert_eq!((first.len(), harness.children()), (1, first.clone()), "one child made them all");

    let picture = harness.file("a.png", &encoded(GrayImage::new(10, 10), ImageFormat::Png));
    page(&of_one, &picture, 0).await.unwrap();
    assert_eq!(harness.children(), first, "pictures too");
    harness.renderer.close(picture.parent().unwrap());
    assert_eq!(harness.children(), first, "it holds none of them");

    page(&of_other, &picture, 0).await.unwrap();
    let both = harness.children();
    assert_eq!(both.len(), 2, "another tenant has another child");
    page(&harness.renderer.for_tenant("third"), &picture, 0).await.unwrap();
    let now = harness.children();
    assert!(now.len() == 2 && !now.contains(&first[0]), "the oldest made room: {now:?}");
}

async fn page(renderer: &Renderer, path: &Path, index: u32) -> Result<(), DocumentError> {
    renderer.render(path, index, RenderOptions::default()).await.map(drop)
}

#[tokio::test]
async fn there_are_no_more_children_than_may_be_however_many_ask() {
    let harness = RendererHarness::hasty(500);
    let path = harness.file("bomb.pdf", &nested_forms());
    let asked: Vec<_> = (0..6)
        .map(|_| {
            let (renderer, path) = (harness.renderer.clone(), path.clone());
            tokio::spawn(async move { renderer.render(&path, 0, RenderOptions::default()).await })
        })
        .collect();
    let mut most = 0;
    until(|| {
        most = most.max(harness.children().len());
        asked.iter().all(tokio::task::JoinHandle::is_finished)
    })
    .await;
    assert_eq!(most, 2, "two places");
    for asked in asked {
        assert_eq!(asked.await.unwrap().unwrap_err().code(), "PAGE_TIMEOUT", "all had their turn");
    }
}

#[tokio::test]
async fn a_look_waits_no_longer_than_its_caller_is_patient() {
    let harness = RendererHarness::new();
    // It reads the request and never answers.
    let arguments = ["-c", "read request; read nothing", &harness.mark].map(Into::into).to_vec();
    let program = ChildProgram { program: "/bin/sh".into(), arguments };
    let config = RendererConfig { program, limits: Limits::default(), pages_at_once: 2 };
    let renderer = Renderer::new(config);
    let path = harness.file("a.pdf", &pages((72, 72), "", &[""]));
    let looks: Vec<_> = (0..4)
        .map(|_| {
            let (renderer, path) = (renderer.clone(), path.clone());
            tokio::spawn(async move { renderer.probe(&path).await })
        })
        .collect();
    until(|| harness.children().len() == 4).await;
    let error = renderer.patient_for(Duration::from_millis(100)).probe(&path).await.unwrap_err();
    assert_eq!((error.code(), error.is_permanent()), ("RENDERER_BUSY", false));
    assert_eq!(harness.children().len(), 4, "no child was started for it");
    looks.iter().for_each(tokio::task::JoinHandle::abort);
    until(|| harness.children().is_empty()).await;
}

#[tokio::test]
async fn nobody_waits_for_all_the_pages_of_somebody_else() {
    let harness = RendererHarness::with(Limits { deadline: Duration::from_secs(1), ..Limits::default() });
    let bomb = harness.file("bomb.pdf", &nested_forms());
    let small = harness.file("small.pdf", &pages((72, 72), "", &[""]));
    let hostile = harness.renderer.for_tenant("hostile");
    let theirs: Vec<_> = (0..8)
        .map(|_| {
            let (hostile, bomb) = (hostile.clone(), bomb.clone());
            tokio::spawn(async move { hostile.render(&bomb, 0, RenderOptions::default()).await })
        })
        .collect();
    until(|| harness.children().len() == 2).await;
    let other = harness.renderer.for_tenant("other");
    other.render(&small, 0, RenderOptions::default()).await.unwrap();
    let before = theirs.iter().filter(|page| page.is_finished()).count();
    assert!(before <= 2, "{before} of the other tenant's pages came first");
    theirs.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn what_a_page_cost_is_told_whatever_came_of_it() {
    let harness = RendererHarness::hasty(700);
    let mut cost = Duration::ZERO;
    let small = harness.file("small.pdf", &pages((72, 72), "", &[""]));
    harness.renderer.render_at_cost(&small, 0, RenderOptions::default(), &mut cost).await.unwrap();
    assert!(cost < Duration::from_millis(500), "{cost:?}");
    let bomb = harness.file("bomb.pdf", &nested_forms());
    let renderer = harness.renderer.within(Duration::from_millis(300));
    let mut cost = Duration::ZERO;
    let late = renderer.render_at_cost(&bomb, 0, RenderOptions::default(), &mut cost).await.unwrap_err();
    assert_eq!((late.code(), cost), ("PAGE_TIMEOUT", Duration::from_millis(300)));
}

#[tokio::test]
async fn the_parent_is_killed_and_a_child_that_spins_ends() {
    let harness = RendererHarness::new();
    let path = harness.file("bomb.pdf", &nested_forms());
    let request = serde_json::json!({
        "document": { "path": path, "inode": [0, 0], "size_bytes": nested_forms().len(), "changed": [0, 0] },
        "kind": "pdf",
        "task": { "render": { "index": 0, "options": { "dpi": 150, "color": "gray" } } },
        "limits": { "pages_max": 10, "page_pixels_max": 1_000_000, "page_side_max": 1000,
                    "cpu_seconds_max": 20, "memory_bytes_max": 1 << 30,
                    "written_bytes_max": 1 << 30 },
    });
    let mut child =
        Command::new(CHILD).arg(&harness.mark).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(format!("{request}\n").as_bytes()).unwrap();
    until(|| std::fs::read_dir(format!("/proc/{}/task", child.id())).unwrap().count() == 3).await;
    // What the kernel does to the pipe of a parent that is no more.
    drop(stdin);
    let status = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
    assert_eq!(status.signal(), Some(ABORTED));
}

#[tokio::test]
async fn a_child_that_lies_about_sizes_is_not_believed() {
    let page = |width: u32, height: u32| {
        format!(
            r#"{{"rendered":{{"width":{width},"height":{height},"dpi":1,"color":"gray","text_layer":[]}}}}"#
        )
    };
    let lies = [
        page(60_000, 60_000),
        // All its pixels come, but nobody wanted that many.
        page(40_000, 1) + "\n" + &"x".repeat(40_000),
        page(100, 100),
        r#"{"probed":{"pages":3}}"#.to_owned(),
        "not even JSON".to_owned(),
    ];
    for lie in lies {
        let error = answered_by("/bin/sh", &["-c", &format!("read request; echo '{lie}'")]).await;
        assert_eq!(error, "RENDERER_CRASHED", "after {lie}");
    }
}

#[tokio::test]
async fn a_child_that_can_not_start_or_is_killed_may_do_better_the_next_time() {
    assert_eq!(answered_by("/no/such/program", &[]).await, "RENDERER_UNAVAILABLE");
    assert_eq!(answered_by("/bin/sh", &["-c", "read request; kill -9 $$"]).await, "RENDERER_UNAVAILABLE");
    assert_eq!(answered_by("/bin/sh", &["-c", "read request; exit 3"]).await, "RENDERER_CRASHED");
}

async fn answered_by(program: &str, arguments: &[&str]) -> &'static str {
    let harness = RendererHarness::new();
    let arguments = arguments.iter().map(Into::into).collect();
    let renderer = Renderer::new(RendererConfig {
        program: ChildProgram { program: program.into(), arguments },
        limits: Limits::default(),
        pages_at_once: 2,
    });
    let path = harness.file("a.pdf", &pages((72, 72), "", &[""]));
    let error = renderer.render(&path, 0, RenderOptions::default()).await.unwrap_err();
    assert_eq!(error.is_permanent(), error.code() != "RENDERER_UNAVAILABLE", "{error}");
    error.code()
}

/// Looks again and again, as there is nothing that tells.
async fn until(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed().as_secs() < 10, "it did not happen");
        tokio::task::yield_now().await;
    }
}
