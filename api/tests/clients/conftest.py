"""A server of the test's own, over a store that knows KMS."""

import os
import shutil
import subprocess
import uuid
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).resolve().parents[3]
REGION = "eu-central-1"
BUCKET = "untxt"


class Store:
    """S3 and KMS, and what a client of them needs."""

    def __init__(self, url):
        self.url = url
        names = {"region_name": REGION, "endpoint_url": url}
        self.s3 = boto3.client("s3", **names, aws_access_key_id="test", aws_secret_access_key="test")
        kms = boto3.client("kms", **names, aws_access_key_id="test", aws_secret_access_key="test")
        self.key = kms.create_key(Description="documents")["KeyMetadata"]["Arn"]
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

        # What processes that died long ago left (this store knows no other age),
        # and somebody else's.
        self.left = f"uploads/{uuid.uuid4()}/2026-01/{uuid.uuid4()}/left.pdf"
        for key in (self.left, "uploads/by-hand/large.iso"):
            self.s3.create_multipart_upload(Bucket=BUCKET, Key=key)

    def broken_off(self):
        listed = self.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        return [upload["Key"] for upload in listed]

    def keys(self):
        return sorted(entry["Key"] for entry in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", []))

    def assert_everything_is_encrypted(self):
        for key in self.keys():
            head = self.s3.head_object(Bucket=BUCKET, Key=key)
            assert head["ServerSideEncryption"] == "aws:kms", key
            assert head["SSEKMSKeyId"] == self.key, key
            # This store forgets it for what came in parts; that the header is
            # sent then too, `workflows/tests/it/objects/requests.rs` sees.
            in_parts = "-" in head["ETag"]
            assert in_parts or head["BucketKeyEnabled"] is True, key


@pytest.fixture(scope="session")
def store():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield Store(f"http://{host}:{port}")
    server.stop()


@pytest.fixture(scope="session")
def base(store, tmp_path_factory):
    """The address of a server that works."""
    home = tmp_path_factory.mktemp("untxt")
    foreign = ("UNTXT_", "AWS_", "S3_", "OTEL_", "DATABASE_URL", "REDIS_URL")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    (home / "data/plugins").mkdir(parents=True)
    shutil.copy(ROOT / "plugins/guests/built/form.wasm", home / "data/plugins")
    environment |= {
        "UNTXT_DATA_DIR": str(home / "data"),
        "UNTXT_LISTEN": "127.0.0.1:0",
        "UNTXT_WORKER_LISTEN": "127.0.0.1:0",
        "S3_ENDPOINT": store.url,
        "S3_REGION": REGION,
        "S3_KMS_KEY_ID": store.key,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    log = (home / "server.log").open("wb")
    program = os.environ["UNTXT_BIN"]
    server = subprocess.Popen([program], env=environment, cwd=home, stdout=subprocess.PIPE, stderr=log, text=True)
    line = server.stdout.readline()
    assert line.startswith("listening on "), (home / "server.log").read_text()
    yield line.removeprefix("listening on ").strip()
    server.terminate()
    assert server.wait(timeout=30) == 0


@pytest.fixture
def user():
    return str(uuid.uuid4())


@pytest.fixture(scope="session")
def letter():
    return (ROOT / "examples/documents/letter-scan.png").read_bytes()
