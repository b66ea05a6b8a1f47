"""Says how much of the page is ink. Replace `recognize` by something that reads."""

from wit_world import exports
from wit_world.imports import host
from wit_world.imports.pages import Page
from wit_world.imports.types import (
    Block, Description, Line, Options, PageText, PixelFormat, Rect, Word,
)


class Engine(exports.Engine):
    def describe(self) -> Description:
        schema = '{"type":"object","additionalProperties":false}'
        return Description("NAME", "0.1.0", [], True, schema, [])

    # Raise Err(Failure(code, message, [])) for options that can't be used.
    def check(self, options: Options) -> None:
        pass

    # Raise Err(Error_Permanent(failure)) or Err(Error_Retryable(Retry(failure, None)))
    # when there is no answer.
    def recognize(self, page: Page, options: Options) -> PageText:
        info = page.info()
        bitmap = page.pixels(Rect(0, 0, info.width, info.height), PixelFormat.LUMA8, 500)
        dark = sum(value < 128 for value in bitmap.data)
        host.log(host.Level.INFO, f"{dark} of {len(bitmap.data)} pixels are dark")
        percent = dark * 100 // len(bitmap.data)
        line = Line(None, [Word("ink:", None, None), Word(f"{percent}%", None, None)])
        attributes = [("confidence-kind", "none"), ("finish-reason", "stop")]
        return PageText([Block("paragraph", None, [line], [])], None, None, None, attributes)
