//! Tasks that are erased, with everything they left behind.

use sea_orm::{ConnectionTrait, Database};
use serde_json::json;
use uuid::Uuid;

use crate::client::Upload;
use crate::home::Home;
use crate::samples;
use crate::server::Server;
use crate::store::Store;

#[tokio::test]
async fn an_ended_task_is_gone_with_its_objects_and_for_its_owner_only() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let upload = Upload::new(user, "a.pdf", samples::pdf(2)).with("formats", "html,txt");
    let task = client.accepted(upload).await;
    assert_eq!(socket.end_of(&task).await, "completed");
    assert_eq!(home.objects(), 3);
    let path = format!("/api/tasks/{task}");
    let foreign = client.delete(&format!("{path}?userId={}", Uuid::new_v4())).await;
    assert_eq!((foreign.status, foreign.code()), (404, "TASK_NOT_FOUND"), "{foreign:?}");
    assert_eq!(home.objects(), 3);

    let erased = client.delete(&format!("{path}?userId={user}")).await;
    assert_eq!((erased.status, &erased.body["data"]), (200, &json!({"taskId": task, "erased": true})));
    assert_eq!(home.objects(), 0);
    assert_eq!(client.task_count(user).await, 0);
    for path in ["", "/status", "/result", "/history", "/events"] {
        let answer = client.get(&format!("/api/tasks/{task}{path}")).await;
        assert_eq!((answer.status, answer.code()), (404, "TASK_NOT_FOUND"), "{path}: {answer:?}");
    }
    let again = client.delete(&path).await;
    assert_eq!((again.status, again.code()), (404, "TASK_NOT_FOUND"), "{again:?}");
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(home.temporary_files(), [""; 0]);
}

#[tokio::test]
async fn a_running_task_is_stopped_first_and_its_place_is_free() {
    let home = Home::new().with("UNTXT_WORKER_CONCURRENCY", "1");
    home.install("slow", "slow");
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let upload = Upload::new(user, "a.pdf", samples::pdf(1)).with("engine", "slow");
    let running = client.accepted(upload.with("options", &json!({"settings": {"ms": 100_000}}))).await;
    socket.until(&running, |data| data["step"] == "ocr").await;
    let waiting = client.accepted(Upload::new(user, "b.png", samples::picture(1))).await;
    let erased = client.delete(&format!("/api/tasks/{running}")).await;
    assert_eq!(erased.status, 200, "{erased:?}");
    assert_eq!(socket.end_of(&running).await, "cancelled");
    assert_eq!(socket.end_of(&waiting).await, "completed");
    assert_eq!(client.get(&format!("/api/tasks/{running}")).await.status, 404);
    assert_eq!(client.task_count(user).await, 1);
    assert_eq!(home.objects(), 2, "the other task's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_that_the_store_does_not_remove_now_go_when_it_is_back() {
    let store = Store::start().await;
    let home = store.home();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let task = client.accepted(Upload::new(user, "a.png", samples::picture(1))).await;
    assert_eq!(socket.end_of(&task).await, "completed");
    assert_eq!(store.objects.keys().unwrap().len(), 2);

    store.close();
    let erased = client.delete(&format!("/api/tasks/{task}")).await;
    assert_eq!(erased.status, 200, "{erased:?}");
    assert_eq!(client.task_count(user).await, 0);
    assert_eq!(store.objects.keys().unwrap().len(), 2, "the store was away");
    // What is to go is no process's own knowledge.
    assert_eq!(server.terminate().code(), Some(0));
    store.open();
    let next = Server::start(&home, &["serve"]);
    while !store.objects.keys().unwrap().is_empty() {
        // Each answer is time in which its worker works.
        next.client().data("/health").await;
    }
    assert_eq!(next.terminate().code(), Some(0));
}

#[tokio::test]
async fn tasks_that_ended_long_ago_are_erased_and_later_ones_are_not() {
    let home = Home::new().with("UNTXT_RETAIN_TASKS_DAYS", &1);
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let mut tasks = Vec::new();
    for name in ["old.png", "new.png"] {
        let task = client.accepted(Upload::new(user, name, samples::picture(1))).await;
        assert_eq!(socket.end_of(&task).await, "completed");
        tasks.push(task);
    }
    server.terminate();
    let database = format!("sqlite://{}", home.path("data/untxt.db").display());
    let database = Database::connect(database).await.unwrap();
    let older = "UPDATE tasks SET completed_at = '2026-01-01 00:00:00+00:00' WHERE id = \
                 (SELECT tasks.id FROM tasks JOIN files ON files.id = file_id WHERE filename = 'old.png')";
    assert_eq!(database.execute_unprepared(older).await.unwrap().rows_affected(), 1);
    // The first server made a pass within the hour; no other is made before it is over.
    let an_hour_on = "UPDATE passes SET began_at_ms = began_at_ms - 3600000 WHERE name = 'erase-old-tasks'";
    assert_eq!(database.execute_unprepared(an_hour_on).await.unwrap().rows_affected(), 1);
    database.close().await.unwrap();

    let server = Server::start(&home, &["serve"]);
    let client = server.client();
    let gone = client.until_answer(&format!("/api/tasks/{}", tasks[0]), |answer| answer.status != 200).await;
    assert_eq!(gone.status, 404, "{gone:?}");
    assert_eq!(client.data(&format!("/api/tasks/{}", tasks[1])).await["status"], "completed");
    // The objects go after the rows.
    while home.objects() > 2 {
        client.data("/health").await;
    }
    assert_eq!(server.terminate().code(), Some(0));
    assert_eq!(home.objects(), 2, "those of the later one");
}

/// As when the database went away while the task was committed.
#[tokio::test]
async fn an_object_that_may_have_been_nobodys_stays_if_its_task_came_to_be() {
    let home = Home::new();
    let server = Server::start(&home, &["serve"]);
    let (client, user) = (server.client(), Uuid::new_v4());
    let mut socket = client.socket(user).await;
    let task = client.accepted(Upload::new(user, "a.png", samples::picture(1))).await;
    assert_eq!(socket.end_of(&task).await, "completed");
    server.terminate();
    let database = format!("sqlite://{}", home.path("data/untxt.db").display());
    let database = Database::connect(database).await.unwrap();
    let doubtful = "INSERT INTO removals (id, object_key, due_at, attempts) \
                    SELECT id, s3_key, '2026-01-01 00:00:00+00:00', 0 FROM files";
    assert_eq!(database.execute_unprepared(doubtful).await.unwrap().rows_affected(), 1);

    let server = Server::start(&home, &["serve"]);
    let waiting = "UPDATE removals SET attempts = attempts";
    while database.execute_unprepared(waiting).await.unwrap().rows_affected() > 0 {
        server.client().data("/health").await;
    }
    database.close().await.unwrap();
    assert_eq!(home.objects(), 2);
    assert!(!server.client().result(&task).await.is_empty());
}
