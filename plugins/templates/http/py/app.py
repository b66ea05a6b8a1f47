"""Posts the page as a PNG to a server and takes each line of its answer for a line of
text. Make `ask` and `answer` what your server wants and says."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import http
from wit_world.imports.pages import Page
from wit_world.imports.types import (
    Block, Description, Error_Permanent, Error_Retryable, Failure, ImageEncoding, Line, Options,
    PageText, Rect, Retry, Word,
)

SCHEMA = {
    "type": "object",
    "properties": {"url": {"type": "string"}},
    "additionalProperties": False,
}


class Engine(exports.Engine):
    def describe(self) -> Description:
        return Description("NAME", "0.1.0", [], False, json.dumps(SCHEMA), [])

    # Raise Err(Failure(code, message, [])) for options that can't be used.
    def check(self, options: Options) -> None:
        pass

    def recognize(self, page: Page, options: Options) -> PageText:
        settings = json.loads(options.settings or "{}")
        return answer(ask(page, settings.get("url", "http://127.0.0.1:8000/ocr")))


def ask(page: Page, url: str) -> http.Response:
    info = page.info()
    body = page.encoded(Rect(0, 0, info.width, info.height), ImageEncoding.PNG, 2000, 0)
    try:
        response = http.send(http.Request("POST", url, [("content-type", "image/png")], body, None))
    except Err as error:
        failure = error.value
        if failure.code in ("unreachable", "broken", "timed-out"):
            raise transport(failure.code, failure.message)
        raise Err(Error_Permanent(failure))
    status = response.status
    if 200 <= status < 300:
        return response
    message = f"the server answers {status}"
    if status == 429:
        raise later("rate-limited", message, response)
    if status == 503:
        raise later("upstream-busy", message, response)
    if status == 408 or status >= 500:
        raise transport("upstream-5xx", message)
    raise Err(Error_Permanent(Failure("upstream-4xx", message, [])))


def transport(code: str, message: str) -> Err:
    """Not the page's doing: the host tries again more often."""
    return Err(Error_Retryable(Retry(Failure(code, message, [("cause", "transport")]), None)))


def later(code: str, message: str, response: http.Response) -> Err:
    """Not before the server wants it."""
    wanted = dict(response.headers).get("retry-after", "1")
    seconds = int(wanted) if wanted.isdigit() else 1
    return Err(Error_Retryable(Retry(Failure(code, message, []), seconds * 1000)))


def answer(response: http.Response) -> PageText:
    text = response.body.decode("utf-8", "replace")
    lines = [Line(None, [Word(word, None, None) for word in line.split()]) for line in text.splitlines()]
    attributes = [("confidence-kind", "none"), ("finish-reason", "stop")]
    return PageText([Block("paragraph", None, lines, [])], None, None, None, attributes)
