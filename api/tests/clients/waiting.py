"""Waits for the end of a task."""

import time

import requests

PATIENCE = 60


def until_done(base, task):
    for _ in range(PATIENCE * 20):
        status = requests.get(f"{base}/api/tasks/{task}/status").json()["data"]
        if status["status"] not in ("queued", "processing", "retrying"):
            return status
        time.sleep(0.05)
    raise AssertionError(f"{task} does not end")
