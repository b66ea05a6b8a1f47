"""The flow the product was conceived with, step by step, as its clients do it."""

import hashlib
import json
import re
import uuid

import requests
from websockets.sync.client import connect

from waiting import PATIENCE, until_done


def story(socket, task):
    heard = []
    while not heard or heard[-1]["data"]["status"] not in ("completed", "failed", "cancelled"):
        message = json.loads(socket.recv(timeout=PATIENCE))
        if message["type"] == "task_update" and message["data"]["taskId"] == task:
            heard.append(message)
    return heard


def test_upload_follow_and_download(base, store, user, letter):
    with connect(f"{base.replace('http', 'ws', 1)}?userId={user}") as socket:
        assert json.loads(socket.recv(timeout=PATIENCE))["type"] == "connected"
        form = {"userId": user, "priority": "5"}
        answer = requests.post(f"{base}/api/tasks", data=form, files={"file": ("letter.png", letter)})
        assert answer.status_code == 201, answer.text
        data = answer.json()["data"]
        assert answer.json()["success"] is True
        assert answer.headers["location"] == f"/api/tasks/{data['taskId']}"
        assert set(data) == {
            "taskId", "fileId", "filename", "fileSize", "mimeType", "s3Key", "fileHash", "status",
            "queuePosition", "createdAt",
        }
        assert data["fileHash"] == hashlib.sha256(letter).hexdigest()
        assert (data["filename"], data["mimeType"], data["status"]) == ("letter.png", "image/png", "queued")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", data["createdAt"])
        month = data["createdAt"][:7]
        assert data["s3Key"] == f"uploads/{user}/{month}/{data['fileId']}/letter.png"

        heard = story(socket, data["taskId"])
        assert [update["data"]["status"] for update in heard][0] == "queued"
        assert "processing" in [update["data"]["status"] for update in heard]
        last = heard[-1]["data"]
        assert last["message"] == "OCR processing completed successfully"
        assert last["result"]["s3_result_key"] == f"results/{user}/{month}/{data['fileId']}/result.html"
        socket.send(json.dumps({"type": "ping"}))
        assert json.loads(socket.recv(timeout=PATIENCE))["type"] == "pong"

    result = requests.get(f"{base}/api/tasks/{data['taskId']}/result").json()["data"]
    assert (result["taskId"], result["filename"], result["expiresIn"]) == (data["taskId"], "letter.png", 3600)
    page = requests.get(result["resultUrl"])
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-disposition"] == 'attachment; filename="letter.html"'
    assert (len(page.content), hashlib.sha256(page.content).hexdigest()) == (result["bytes"], result["sha256"])
    assert "<h1>Extracted Text</h1>" in page.text
    store.assert_everything_is_encrypted()

    listed = requests.get(f"{base}/api/tasks", params={"userId": user, "limit": 50, "offset": 0}).json()["data"]
    assert [task["taskId"] for task in listed["tasks"]] == [data["taskId"]]
    known = {"total": 1, "limit": 50, "offset": 0, "hasMore": False}
    assert listed["pagination"] | known == listed["pagination"]
    assert requests.get(f"{base}/health").json()["data"]["status"] == "healthy"


def test_what_the_store_holds_is_encrypted_and_goes_with_its_task(base, store, user, letter):
    before = store.keys()
    # More than a part: this goes up as a multipart upload.
    large = letter + bytes(6 << 20)
    form = {"userId": user, "formats": "html,txt,md,json,hocr,alto,page,tsv"}
    task = requests.post(f"{base}/api/tasks", data=form, files={"file": ("large.png", large)}).json()["data"]
    assert until_done(base, task["taskId"])["status"] == "completed"
    new = [key for key in store.keys() if key not in before]
    assert len(new) == 9, new
    store.assert_everything_is_encrypted()
    for name in ("html", "txt", "md", "json", "hocr", "alto", "page", "tsv"):
        asked = {"format": name, "expiresIn": 60}
        result = requests.get(f"{base}/api/tasks/{task['taskId']}/result", params=asked).json()["data"]
        answer = requests.get(result["resultUrl"])
        assert answer.headers["content-type"] == result["contentType"]
        assert hashlib.sha256(answer.content).hexdigest() == result["sha256"]
    assert requests.delete(f"{base}/api/tasks/{task['taskId']}").status_code == 200
    assert store.keys() == before
    assert requests.delete(f"{base}/api/tasks/{task['taskId']}").status_code == 404


def test_a_client_puts_a_large_file_into_the_store_itself(base, store, user, letter):
    before = store.keys()
    announced = {"userId": user, "filename": "letter.png", "bytes": len(letter)}
    begun = requests.post(f"{base}/api/uploads", json=announced).json()["data"]
    put = requests.put(begun["url"], data=letter, headers=begun["headers"])
    assert put.status_code == 200, put.text
    store.assert_everything_is_encrypted()
    answer = requests.post(f"{base}/api/uploads/{begun['uploadId']}/complete", json={"formats": ["txt"]})
    assert answer.status_code == 201, answer.text
    task = answer.json()["data"]
    assert task["fileHash"] == hashlib.sha256(letter).hexdigest()
    assert until_done(base, task["taskId"])["status"] == "completed"
    assert len([key for key in store.keys() if key not in before]) == 2
    store.assert_everything_is_encrypted()


def test_a_stream_goes_on_where_it_broke_off(base, user, letter):
    form = {"userId": user}
    task = requests.post(f"{base}/api/tasks", data=form, files={"file": ("letter.png", letter)}).json()["data"]
    url = f"{base}/api/tasks/{task['taskId']}/events"
    whole = ids(requests.get(url, timeout=PATIENCE).text)
    assert whole == sorted(set(whole)) and len(whole) > 3
    rest = ids(requests.get(url, headers={"Last-Event-ID": str(whole[1])}, timeout=PATIENCE).text)
    assert rest == whole[2:]
    assert requests.get(url, headers={"Last-Event-ID": str(whole[-1])}).status_code == 204


def ids(stream):
    return [int(line.removeprefix("id: ")) for line in stream.splitlines() if line.startswith("id: ")]


def test_nobody_is_told_of_what_is_not_there(base):
    for path in ("", "/status", "/result", "/events", "/history"):
        answer = requests.get(f"{base}/api/tasks/{uuid.uuid4()}{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "TASK_NOT_FOUND"), path
        assert uuid.UUID(answer.headers["x-request-id"])


def test_nothing_is_in_the_bucket_that_no_key_of_ours_names(store):
    kinds = re.compile(r"(uploads|results)/[0-9a-f-]{36}/\d{4}-\d\d/[0-9a-f-]{36}/[^/]+")
    assert store.keys() and all(kinds.fullmatch(key) for key in store.keys())
    assert store.broken_off() == ["uploads/by-hand/large.iso"]
