//! The pages of a task, as a viewer shows them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Client, Upload};
use crate::home::{Home, names};
use crate::samples;
use crate::server::Server;

/// Programs that recognise with the built-in reader.
fn reading_home() -> Home {
    Home::new().with("UNTXT_ENGINE", "reader").with("UNTXT_TEXT_LAYER", "ignore")
}

/// A task that has ended well.
async fn completed(client: &Client, upload: Upload) -> String {
    let mut socket = client.socket(upload.user).await;
    let task = client.accepted(upload).await;
    assert_eq!(socket.end_of(&task).await, "completed");
    task
}

/// The status of each page of a list.
fn statuses(list: &Value) -> Vec<(u64, &str)> {
    let pages = list["pages"].as_array().unwrap().iter();
    pages.map(|page| (page["page"].as_u64().unwrap(), page["status"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn pages_are_listed_while_the_task_runs_and_after_it_was_stopped() {
    let home = Home::new().with("UNTXT_WORKER_CONCURRENCY", "1");
    home.install("slow", "slow");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let upload = Upload::new(user, "a.pdf", samples::pdf(4)).with("engine", "slow").with("pages", "2-4");
    let task = client.accepted(upload.with("options", &json!({"settings": {"ms": 100_000}}))).await;
    let path = format!("/api/tasks/{task}/pages");
    let running = client.until(&path, |list| statuses(list).contains(&(2, "processing"))).await;
    assert_eq!(statuses(&running), [(2, "processing"), (3, "pending"), (4, "pending")]);
    assert_eq!((&running["pagesTotal"], &running["next"]), (&json!(3), &Value::Null));
    assert_eq!((&running["pages"][0]["attempt"], &running["pages"][0]["width"]), (&json!(1), &Value::Null));

    let first = client.data(&format!("{path}?limit=2")).await;
    assert_eq!((statuses(&first).len(), &first["next"]), (2, &json!(3)));
    let rest = client.data(&format!("{path}?limit=2&after=3")).await;
    assert_eq!((statuses(&rest), &rest["next"]), (vec![(4, "pending")], &Value::Null));
    assert_eq!(statuses(&client.data(&format!("{path}?after=4")).await), []);
    for wrong in ["limit=0", "limit=1001", "limit=201&words=true", "words=yes", "after=x"] {
        let refused = client.get(&format!("{path}?{wrong}")).await;
        assert_eq!((refused.status, refused.code()), (400, "INVALID_FIELD"), "{wrong}: {refused:?}");
    }

    let unfinished = client.get(&format!("{path}/2")).await;
    assert_eq!((unfinished.status, unfinished.code()), (409, "PAGE_NOT_DONE"), "{unfinished:?}");
    assert_eq!(unfinished.body["error"]["details"]["status"], "processing");
    for none in ["0", "1", "5", "4294967295", "4294967296", "first"] {
        let missing = client.get(&format!("{path}/{none}")).await;
        assert_eq!((missing.status, missing.code()), (404, "PAGE_NOT_FOUND"), "{none}: {missing:?}");
    }

    assert_eq!(client.act(&format!("/api/tasks/{task}/cancel")).await.status, 200);
    let stopped = client.data(&path).await;
    assert_eq!(statuses(&stopped), [(2, "cancelled"), (3, "cancelled"), (4, "cancelled")]);
}

#[tokio::test]
async fn a_page_is_the_one_of_the_result_and_failed_ones_say_why() {
    let home = reading_home();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let torn = Upload::new(user, "torn.pdf", samples::pdf_with_a_giant_page(3, 2));
    let torn = torn.with("onPageFailure", "partial").with("formats", "json");
    let task = client.accepted(torn).await;
    assert_eq!(socket.end_of(&task).await, "partial");
    let whole: Value = serde_json::from_str(&client.result(&task).await).unwrap();
    let path = format!("/api/tasks/{task}/pages");
    for (number, page) in (1..).zip(whole["pages"].as_array().unwrap()) {
        assert_eq!(&client.data(&format!("{path}/{number}")).await, page, "page {number}");
    }

    let list = client.data(&format!("{path}?words=true")).await;
    assert_eq!(statuses(&list), [(1, "completed"), (2, "failed"), (3, "completed")]);
    for number in [0, 2] {
        let (listed, page) = (&list["pages"][number], &whole["pages"][number]);
        let words =
            page["blocks"].as_array().unwrap().iter().flat_map(|block| block["lines"].as_array().unwrap());
        let words: Vec<&Value> = words.flat_map(|line| line["words"].as_array().unwrap()).collect();
        let doubtful =
            words.iter().filter(|word| word["confidence"].as_f64().is_some_and(|known| known < 0.6));
        assert!(!words.is_empty(), "{page}");
        assert_eq!(
            (&listed["words"], &listed["doubtfulWords"]),
            (&json!(words.len()), &json!(doubtful.count()))
        );
        for same in ["width", "height", "source", "confidence", "confidenceKind"] {
            assert_eq!(listed[same], page[same], "{same}");
        }
        assert_eq!(listed["error"], Value::Null);
    }
    let failed = &list["pages"][1];
    assert_eq!((&failed["error"]["code"], &failed["words"]), (&json!("PAGE_TOO_LARGE"), &Value::Null));
    let uncounted = client.data(&path).await;
    assert_eq!(uncounted["pages"][0]["width"], list["pages"][0]["width"], "figures are known without words");
    let long = client.data(&format!("{path}?limit=1000")).await;
    assert_eq!((statuses(&long), &long["pages"][0]["width"]), (statuses(&list), &Value::Null));

    // As if its history was past its retention.
    let url = format!("sqlite://{}", home.path("data/untxt.db").display());
    let db = Database::connect(url).await.unwrap();
    db.execute_unprepared("DELETE FROM items; UPDATE runs SET pruned_at_ms = 1").await.unwrap();
    let pruned = client.data(&path).await;
    assert_eq!(statuses(&pruned), [(1, "completed"), (2, "failed"), (3, "completed")]);
    for gone in [format!("{path}/1"), format!("/api/tasks/{task}/search?q=run")] {
        let answer = client.get(&gone).await;
        assert_eq!((answer.status, answer.code()), (410, "HISTORY_PRUNED"), "{gone}: {answer:?}");
    }
    assert_eq!(client.get(&format!("{path}/1/image")).await.status, 200);
}

/// What comes at a path for a request with these headers.
async fn fetched(
    server: &Server,
    method: &str,
    path: &str,
    more: &[(&'static str, &str)],
) -> (u16, HeaderMap, Vec<u8>) {
    let headers = more
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
    let request = reqwest::Client::new().request(method.parse().unwrap(), format!("{}{path}", server.base));
    let answer = request.headers(headers.collect()).send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, headers, answer.bytes().await.unwrap().to_vec())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// The files in the cache of page images.
fn cached(home: &Home) -> Vec<PathBuf> {
    let dir = home.path("data/page-images");
    let tasks = if dir.exists() { names(&dir) } else { Vec::new() };
    let mut files = Vec::new();
    for task in tasks.iter().map(|task| dir.join(task)) {
        files.extend(names(&task).iter().map(|name| task.join(name)));
    }
    files
}

#[tokio::test]
async fn words_lie_on_the_ink_of_the_image_which_goes_with_its_task() {
    let home = reading_home();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let task = completed(&client, Upload::new(user, "a.pdf", samples::pdf(2))).await;
    let path = format!("/api/tasks/{task}/pages/2/image");
    let page = client.data(&format!("/api/tasks/{task}/pages/2")).await;
    for width in [400, 900, 1_600] {
        let (status, headers, file) = fetched(&server, "GET", &format!("{path}?width={width}"), &[]).await;
        assert_eq!((status, header(&headers, "content-type")), (200, "image/png"));
        let picture = image::load_from_memory(&file).unwrap().into_luma8();
        // The page is 300 points wide: there is a resolution at which it is nearly as
        // wide as was asked for.
        assert!((width - 5..=width).contains(&picture.width()), "{width}: {}", picture.width());
        assert!(picture.height().abs_diff(picture.width() * 2 / 3) <= 1, "{width}: {}", picture.height());
        let is_dark = |x: f64, y: f64, w: f64, h: f64| {
            let at = |part: f64, side: u32| ((part * f64::from(side)) as u32).min(side - 1);
            let (left, right) = (at(x, picture.width()), at(x + w, picture.width()));
            let (top, bottom) = (at(y, picture.height()), at(y + h, picture.height()));
            (left..=right).any(|x| (top..=bottom).any(|y| picture.get_pixel(x, y)[0] < 128))
        };
        let blocks = page["blocks"].as_array().unwrap().iter();
        let lines = blocks.flat_map(|block| block["lines"].as_array().unwrap());
        let words: Vec<&Value> = lines.flat_map(|line| line["words"].as_array().unwrap()).collect();
        assert!(words.len() >= 9, "{page}");
        for word in words {
            let side = |name: &str| word["bounds"][name].as_f64().unwrap();
            assert!(is_dark(side("x"), side("y"), side("width"), side("height")), "{width}: {word}");
        }
        assert!(!is_dark(0.0, 0.0, 1.0, 0.05), "there is no text at the upper edge");
    }
    assert_eq!(cached(&home).len(), 3);

    let (_, headers, whole) = fetched(&server, "GET", &path, &[]).await;
    assert_eq!(header(&headers, "cache-control"), "private, max-age=86400, immutable");
    assert_eq!(header(&headers, "cross-origin-resource-policy"), "same-origin");
    let tag = header(&headers, "etag").to_owned();
    let (status, _, nothing) = fetched(&server, "GET", &path, &[("if-none-match", &tag)]).await;
    assert_eq!((status, nothing.len()), (304, 0));
    let (status, headers, nothing) = fetched(&server, "HEAD", &path, &[]).await;
    assert_eq!((status, nothing.len()), (200, 0));
    assert_eq!(header(&headers, "content-length"), whole.len().to_string());
    let odd = client.get(&format!("{path}?width=401")).await;
    assert_eq!((odd.status, odd.code()), (400, "INVALID_FIELD"), "{odd:?}");
    let none = client.get(&format!("/api/tasks/{task}/pages/3/image")).await;
    assert_eq!((none.status, none.code()), (404, "PAGE_NOT_FOUND"), "{none:?}");

    let other = completed(&client, Upload::new(user, "b.png", samples::picture(2))).await;
    let of_other = format!("/api/tasks/{other}/pages/1/image?width=2400");
    let (status, _, file) = fetched(&server, "GET", &of_other, &[]).await;
    let picture = image::load_from_memory(&file).unwrap();
    assert_eq!((status, picture.width(), picture.height()), (200, 620, 140), "no picture is scaled up");
    assert_eq!(client.delete(&format!("/api/tasks/{task}")).await.status, 200);
    let (status, _, _) = fetched(&server, "GET", &path, &[("if-none-match", &tag)]).await;
    assert_eq!(status, 404);
    assert_eq!(cached(&home).len(), 1, "the other task's");
    assert_eq!(client.delete(&format!("/api/tasks/{other}")).await.status, 200);
    assert!(cached(&home).is_empty());
    server.terminate();
    assert_eq!(home.temporary_files(), [""; 0]);
}

#[tokio::test]
async fn many_ask_for_one_image_and_the_cache_keeps_to_its_bound() {
    let home = Home::new().with("UNTXT_PAGE_IMAGE_CACHE_BYTES_MAX", "20000");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let task = completed(&client, Upload::new(user, "a.pdf", samples::pdf(8))).await;
    let path = |page: u32| format!("/api/tasks/{task}/pages/{page}/image?width=900");
    let one = path(1);
    let answers = join_all((0..12).map(|_| fetched(&server, "GET", &one, &[]))).await;
    let (status, _, first) = &answers[0];
    assert_eq!(*status, 200);
    assert!(answers.iter().all(|(status, _, file)| *status == 200 && file == first));
    for page in 2..=8 {
        assert_eq!(fetched(&server, "GET", &path(page), &[]).await.0, 200, "page {page}");
        let kept: u64 = cached(&home).iter().map(|file| file.metadata().unwrap().len()).sum();
        assert!(kept > 0 && kept <= 20_000, "page {page}: {kept}");
    }
    assert!(cached(&home).len() < 8, "the first had to go");
    let (status, _, again) = fetched(&server, "GET", &one, &[]).await;
    assert_eq!((status, &again), (200, first), "it is drawn again");
}

#[tokio::test]
async fn a_page_that_never_ends_is_refused_in_its_time_and_others_are_drawn() {
    let home = Home::new().with("UNTXT_DOCUMENT_DECODE_SECONDS", "1");
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let client = server.client();
    let hostile = Upload::new(Uuid::new_v4(), "bomb.pdf", samples::pdf_that_never_ends(6));
    let hostile = client.accepted(hostile).await;
    let small = client.accepted(Upload::new(Uuid::new_v4(), "a.png", samples::picture(1))).await;
    let image = |task: &str, page: u32| format!("/api/tasks/{task}/pages/{page}/image");
    let bombs: Vec<String> = (1..=6).map(|page| image(&hostile, page)).collect();
    let began = Instant::now();
    // Four of these wait; the small one goes before them, because its user has no page
    // that is drawn.
    let (refused, drawn) = tokio::join!(join_all(bombs.iter().map(|path| client.get(path))), async {
        let drawn = client.until_answer(&image(&small, 1), |answer| answer.status == 200).await;
        (drawn.status, began.elapsed())
    });
    assert_eq!(drawn.0, 200);
    assert!(drawn.1 < Duration::from_secs(15), "it waited for {:?}", drawn.1);
    let codes: Vec<&str> = refused.iter().map(|answer| answer.code()).collect();
    let late = codes.iter().filter(|code| **code == "PAGE_TIMEOUT").count();
    let spent = codes.iter().filter(|code| **code == "DOCUMENT_DECODE_BUDGET_SPENT").count();
    assert!((late, spent) == (2, 4), "{codes:?}");
    assert!(refused.iter().all(|answer| answer.status == 422), "{refused:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "it took {:?}", began.elapsed());
    let began = Instant::now();
    assert_eq!(client.get(&bombs[0]).await.status, 422);
    assert!(began.elapsed() < Duration::from_secs(2), "it is known");
    // Looking at it took nothing from its recognition.
    assert_eq!(client.data(&format!("/api/tasks/{hostile}/pages")).await["pages"][0]["status"], "pending");
    assert_eq!(cached(&home).len(), 1);
}

#[tokio::test]
async fn the_original_is_what_was_uploaded() {
    let home = Home::new();
    let server = Server::start(&home, &["serve", "--no-worker"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let file = samples::pdf(3);
    let task = client.accepted(Upload::new(user, "../the \"letter\".pdf", file.clone())).await;
    let path = format!("/api/tasks/{task}/original");
    let (status, headers, whole) = fetched(&server, "GET", &path, &[]).await;
    assert_eq!((status, header(&headers, "content-type")), (200, "application/pdf"));
    assert_eq!(whole, file);
    let name = header(&headers, "content-disposition");
    assert!(name.starts_with("attachment; filename=") && !name.contains(".."), "{name}");
    assert!(header(&headers, "content-security-policy").contains("sandbox"));
    let tag = header(&headers, "etag").to_owned();
    assert_eq!(
        tag,
        format!("\"{}\"", client.data(&format!("/api/tasks/{task}")).await["fileHash"].as_str().unwrap())
    );
    let (status, _, part) = fetched(&server, "GET", &path, &[("range", "bytes=5-9")]).await;
    assert_eq!((status, part.as_slice()), (206, &file[5..10]));
    assert_eq!(fetched(&server, "GET", &path, &[("if-none-match", &tag)]).await.0, 304);
    let (status, headers, nothing) = fetched(&server, "HEAD", &path, &[]).await;
    assert_eq!((status, nothing.len()), (200, 0));
    assert_eq!(header(&headers, "content-length"), file.len().to_string());
}

#[tokio::test]
async fn a_search_finds_words_on_all_pages_with_their_places() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let task = completed(&client, Upload::new(user, "a.pdf", samples::pdf(12))).await;
    let path = format!("/api/tasks/{task}/search");
    let found = client.data(&format!("{path}?q=TELLS%20of")).await;
    let matches = found["matches"].as_array().unwrap();
    let pages: Vec<u64> = matches.iter().map(|found| found["page"].as_u64().unwrap()).collect();
    assert_eq!(pages, (1..=12).collect::<Vec<u64>>());
    assert_eq!(
        (&found["pagesSearched"], &found["next"], &found["more"]),
        (&json!(12), &Value::Null, &json!(false))
    );
    for found in matches {
        let page = client.data(&format!("/api/tasks/{task}/pages/{}", found["page"])).await;
        let line = &page["blocks"][found["block"].as_u64().unwrap() as usize]["lines"]
            [found["line"].as_u64().unwrap() as usize];
        let words = line["words"].as_array().unwrap();
        let (first, last) =
            (found["first"].as_u64().unwrap() as usize, found["last"].as_u64().unwrap() as usize);
        assert_eq!((&words[first]["text"], &words[last]["text"]), (&json!("tells"), &json!("of")));
        assert!(found["text"].as_str().unwrap().contains("tells of"), "{found}");
        assert_eq!(
            (&found["box"]["x"], &found["box"]["y"]),
            (&words[first]["bounds"]["x"], &words[first]["bounds"]["y"])
        );
        assert!(found["box"]["width"].as_f64() > words[first]["bounds"]["width"].as_f64(), "{found}");
    }
    assert_eq!(client.data(&format!("{path}?q=nobody")).await["matches"], json!([]));
    let rest = client.data(&format!("{path}?q=tells&after=10-0")).await;
    assert_eq!(rest["matches"].as_array().unwrap().len(), 2);
    for wrong in ["", "?q=", "?q=%20", "?q=a&after=x"] {
        let refused = client.get(&format!("{path}{wrong}")).await;
        assert_eq!((refused.status, refused.code()), (400, "INVALID_FIELD"), "{wrong}: {refused:?}");
    }
}

#[tokio::test]
async fn a_search_of_many_matches_goes_on_where_it_ended() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let task = completed(&client, Upload::new(user, "a.pdf", samples::book(4))).await;
    let (mut after, mut places, mut answers) = (String::new(), Vec::new(), 0);
    loop {
        let found = client.data(&format!("/api/tasks/{task}/search?q=people&after={after}")).await;
        let matches = found["matches"].as_array().unwrap();
        assert!(matches.len() <= 200);
        places.extend(
            matches
                .iter()
                .map(|found| ["page", "block", "line", "first"].map(|name| found[name].as_u64().unwrap())),
        );
        answers += 1;
        assert_eq!(found["more"], json!(!found["next"].is_null()));
        let Some(next) = found["next"].as_str() else { break };
        after = next.to_owned();
    }
    let mut all = places.clone();
    all.sort_unstable();
    all.dedup();
    assert_eq!((all.len(), answers > 1), (places.len(), true), "each is told once, in several answers");
    let mut words = 0;
    for page in 1..=4 {
        let page = client.data(&format!("/api/tasks/{task}/pages/{page}")).await;
        words += page.to_string().matches("\"people\"").count();
    }
    assert_eq!(places.len(), words);
}
