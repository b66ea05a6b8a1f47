"""Measures whole ways from files to results, and the same with other programs, in turn.

    speed.py scans PACKAGE [ROUNDS]   twelve full page images at 300 dpi, read by Tesseract
    speed.py small [COUNT] [ROUNDS]   COUNT (600) PDFs of one page

PACKAGE is what plugins/tesseract/build.sh made. UNTXT names the program `untxt`, a release
build. Needs pdftoppm, pdftotext, tesseract and ocrmypdf. All of it runs on two cores, with
one thread for each call of Tesseract. CPU time is that of a whole tree of processes, user
and system. Prints medians of ROUNDS (3), and ratios to untxt of the same run.
"""

import concurrent.futures
import ctypes
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
LICENCE = HERE.parents[2] / "LICENSE-APACHE"
UNTXT = os.environ.get("UNTXT", "untxt")
PR_SET_CHILD_SUBREAPER = 36
CORES = 2
PAGES, LINES, DPI = 12, 52, 300


def measured(work):
    """Seconds and CPU seconds that `work` takes, with all processes that it leaves behind."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    work()
    seconds = time.monotonic() - start
    # Processes of a program that has ended are this one's now, and are counted when they end.
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run(*command, **environment):
    ended = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, "OMP_THREAD_LIMIT": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if ended.returncode != 0:
        sys.exit(f"{command}: exit code {ended.returncode}\n{ended.stdout.decode(errors='replace')}")


def table(cases, pages, rounds):
    """Runs the cases in turn, the first one being untxt, and prints a line of each."""
    taken = {name: [] for name in cases}
    for _ in range(rounds):
        for name, work in cases.items():
            taken[name].append(measured(work))
    first = taken[next(iter(cases))]
    print("| case | pages a minute | CPU a page | time, untxt = 1 | CPU, untxt = 1 |\n|---|---|---|---|---|")
    for name, runs in taken.items():
        seconds, cpu = (statistics.median(values) for values in zip(*runs))
        slower, dearer = (
            statistics.median(own[kind] / untxt[kind] for own, untxt in zip(runs, first)) for kind in (0, 1)
        )
        print(
            f"| {name} | {60 * pages / seconds:,.0f} | {1000 * cpu / pages:,.1f} ms | {slower:.2f} | {dearer:.2f} |",
            flush=True,
        )


def pdf(objects):
    """The file of a PDF whose first object is its catalog."""
    file, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return b"%sxref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        file, size, table, size, len(file),
    )


def stream(entries, data):
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(data), data)


def of_images(images):
    """A PDF with a page for each image: its entries, its size at a resolution, its data."""
    kids = b" ".join(b"%d 0 R" % (3 + 3 * at) for at in range(len(images)))
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(images))]
    for at, (entries, (width, height), dpi, data) in enumerate(images):
        across, down = width * 72 / dpi, height * 72 / dpi
        page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %f %f]/Contents %d 0 R/Resources<</XObject<</I %d 0 R>>>>>>"
        objects += [
            page % (across, down, 4 + 3 * at, 5 + 3 * at),
            stream(b"", b"%f 0 0 %f 0 0 cm /I Do" % (across, down)),
            stream(b"/Type/XObject/Subtype/Image/Width %d/Height %d%s" % (width, height, entries), data),
        ]
    return pdf(objects)


def portable(image):
    """Width, height and samples of a PBM or PGM file."""
    fields = image.split(maxsplit=3 if image.startswith(b"P5") else 2)
    samples = image.split(b"\n", 3 if image.startswith(b"P5") else 2)[-1]
    return (int(fields[1]), int(fields[2].split()[0])), samples


def rendered(path, *options):
    return subprocess.run(["pdftoppm", *options, str(path)], check=True, stdout=subprocess.PIPE).stdout


def scans(folder, package, rounds):
    images = []
    lines = [line.strip() for line in LICENCE.read_text("ascii").splitlines() if line.strip()]
    words = 0
    for page in range(PAGES):
        shown = [lines[(13 * page + at) % len(lines)] for at in range(LINES)]
        words += sum(len(line.split()) for line in shown)
        straight = typed(folder / f"typed-{page}.pdf", shown)
        size, samples = portable(rendered(straight, "-r", str(DPI), "-gray"))
        entries = b"/BitsPerComponent 8/ColorSpace/DeviceGray/Filter/FlateDecode"
        images.append((entries, size, DPI, zlib.compress(samples)))
    source = folder / "scans.pdf"
    source.write_bytes(of_images(images))
    data = {"UNTXT_DATA_DIR": str(folder / "data")}
    run(UNTXT, "plugin", "install", package, **data)

    def untxt(formats):
        return lambda: run(
            UNTXT, "ocr", "--engine", "tesseract", "--language", "en", "--format", formats,
            "--out", folder / "untxt", source, **data,
        )

    def native():
        run("pdftoppm", "-r", DPI, "-gray", source, folder / "page")
        pages = sorted(folder.glob("page-*.pgm"))
        with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
            list(pool.map(lambda page: run("tesseract", page, page.with_suffix(""), "-l", "eng", "--dpi", DPI), pages))

    def ocrmypdf():
        target = folder / "ocrmypdf.pdf"
        run("ocrmypdf", "--jobs", CORES, "--language", "eng", "--output-type", "pdf", source, target)

    cases = {
        "`untxt ocr --format pdf,txt`": untxt("pdf,txt"),
        "`untxt ocr --format txt`": untxt("txt"),
        "`ocrmypdf --output-type pdf`": ocrmypdf,
        "`pdftoppm` and `tesseract`, text only": native,
    }
    # So that the engine is compiled, and all files are in memory.
    untxt("txt")()
    read = len((folder / "untxt/scans.txt").read_text().split())
    if not 0.9 < read / words < 1.1:
        sys.exit(f"{read} words were read of {words}: the pages are not what they should be")
    table(cases, PAGES, rounds)


def typed(path, lines):
    """A PDF of one page, A4, with lines of Helvetica."""
    shown = b"".join(b"(%s) Tj T*\n" % line.translate({40: "", 41: "", 92: ""}).encode() for line in lines)
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    path.write_bytes(pdf([
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F %s>>>>>>" % font,
        stream(b"/Filter/FlateDecode", zlib.compress(b"BT /F 10 Tf 60 780 Td 14 TL %sET" % shown)),
    ]))
    return path


def small(folder, count, rounds):
    words = (HERE.parents[2] / "examples/documents/letter-scan.txt").read_text("ascii", "ignore").split()
    texts, images = [], []
    for number in range(count):
        shown = [words[(7 * number + at) % len(words)] for at in range(250)]
        lines = [" ".join(shown[at:at + 9]) for at in range(0, 250, 9)]
        texts.append(typed(folder / f"text-{number}.pdf", lines))
        size, bits = portable(rendered(texts[-1], "-mono", "-r", "150"))
        entries = b"/BitsPerComponent 1/ColorSpace/DeviceGray/Decode[1 0]/Filter/FlateDecode"
        images.append(folder / f"image-{number}.pdf")
        images[-1].write_bytes(of_images([(entries, size, 150, zlib.compress(bits, 9))]))
    data = {"UNTXT_DATA_DIR": str(folder / "data"), "UNTXT_ENGINE": "simulated-qwen3"}

    def untxt(files, *options):
        return lambda: run(UNTXT, "ocr", "--out", folder / "out", *options, *files, **data)

    def each(files, *command):
        return lambda: [run(*command, file, "-") if command[0] == "pdftotext" else run(*command, file) for file in files]

    cases = {
        "text layer: `untxt ocr --format txt`": untxt(texts, "--format", "txt"),
        "image: `untxt ocr --format txt`, simulated engine": untxt(images, "--format", "txt"),
        "image: `untxt ocr --format pdf`, simulated engine": untxt(images, "--format", "pdf"),
        "text layer: `pdftotext` for each": each(texts, "pdftotext"),
        "image: `pdftoppm -r 150 -gray` for each": each(images, "pdftoppm", "-r", "150", "-gray"),
    }
    table(cases, count, rounds)


def main():
    arguments = sys.argv[1:]
    if not arguments or arguments[0] not in ("scans", "small") or (arguments[0] == "scans") > (len(arguments) - 1):
        sys.exit(__doc__)
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    rounds = int(arguments[2]) if len(arguments) > 2 else 3
    with tempfile.TemporaryDirectory() as folder:
        if arguments[0] == "scans":
            scans(pathlib.Path(folder), pathlib.Path(arguments[1]).resolve(), rounds)
        else:
            small(pathlib.Path(folder), int(arguments[1]) if len(arguments) > 1 else 600, rounds)


main()
