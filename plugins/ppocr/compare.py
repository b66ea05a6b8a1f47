"""Compares the engine ppocr with RapidOCR and onnxruntime on the pages of a folder.

    compare.py FOLDER

Prints for each page the characters in which the text differs, and the processor time that
RapidOCR takes; then the processor time and the largest memory of both for all pages, each
on one thread and with its start. ppocr has to be installed; UNTXT names the program
`untxt`, a release build. RapidOCR comes from PyPI: pip install rapidocr==3.10.0 onnxruntime
"""

import json
import multiprocessing
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time


def native(pages, answers):
    """Reads pages with RapidOCR, in a process of its own: lines with corners, and seconds."""
    import cv2
    from rapidocr import RapidOCR

    cv2.setNumThreads(1)
    one = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    reader = RapidOCR(params={**one, "Global.log_level": "error"})
    read = []
    for page in pages:
        start = time.process_time()
        result = reader(str(page))
        seconds = time.process_time() - start
        corners = [] if result.boxes is None else result.boxes.tolist()
        height, width = cv2.imread(str(page)).shape[:2]
        lines = [
            (" ".join(text.split()), [(x / width, y / height) for x, y in quad])
            for text, quad in zip(result.txts or (), corners)
        ]
        read.append((lines, seconds))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answers.put((read, time.process_time(), peak))


def tree(root):
    """A process and its descendants."""
    children = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found = [root]
    for process in found:
        found.extend(children.get(process, ()))
    return found


def processor_seconds(process):
    """The processor time that a process took."""
    try:
        words = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return 0
    return sum(map(int, words[11:13])) / os.sysconf("SC_CLK_TCK")


def resident(process):
    """MiB of a process's memory, shared pages by their share."""
    try:
        lines = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def engine(pages, folder):
    """Reads pages with untxt: words with their middles, seconds for all, the peak of the process tree in MiB."""
    untxt = os.environ.get("UNTXT", "untxt")
    command = [untxt, "ocr", "--engine", "ppocr", "--format", "json", "--out", str(folder)]
    environment = {**os.environ, "UNTXT_WORKER_CONCURRENCY": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = subprocess.Popen([*command, *map(str, pages)], env=environment, stdout=subprocess.DEVNULL)
    peak, taken = 0, {}
    while running.poll() is None:
        processes = tree(running.pid)
        peak = max(peak, sum(map(resident, processes)))
        taken.update((process, processor_seconds(process)) for process in processes)
        time.sleep(0.05)
    if running.returncode:
        sys.exit(f"compare.py: {' '.join(command)} failed with exit code {running.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    read = []
    for page in pages:
        (result,) = json.loads((folder / f"{page.stem}.json").read_text())["pages"]
        lines = (line for block in result["blocks"] for line in block["lines"])
        middle = lambda box: (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        read.append([(word["text"], middle(word["bounds"])) for line in lines for word in line["words"]])
    waited_for = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return read, max(waited_for, sum(taken.values())), peak


def inside(place, corners):
    """Whether a place is inside a convex shape."""
    edges = zip(corners, corners[1:] + corners[:1])
    sides = [(b[0] - a[0]) * (place[1] - a[1]) >= (b[1] - a[1]) * (place[0] - a[0]) for a, b in edges]
    return len(set(sides)) == 1


def distance(a, b):
    """Insertions, deletions and replacements between two texts."""
    row = list(range(len(b) + 1))
    for at, left in enumerate(a, 1):
        above, row[0] = row[0], at
        for to, right in enumerate(b, 1):
            above, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, above + (left != right))
    return row[-1]


def differences(lines, words):
    """Pairs of RapidOCR's line and ppocr's words in its box that are not the same."""
    found = []
    for text, corners in lines:
        within = [word for word in words if inside(word[1], corners)]
        words = [word for word in words if word not in within]
        own = " ".join(text for text, _ in within)
        if own != text:
            found.append((text, own))
    return found + [("", text) for text, _ in words]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    pages = sorted(pathlib.Path(sys.argv[1]).glob("*.png"))
    answers = multiprocessing.Queue()
    reader = multiprocessing.Process(target=native, args=(pages, answers))
    reader.start()
    native_read, native_seconds, native_peak = answers.get()
    reader.join()
    with tempfile.TemporaryDirectory() as folder:
        read, seconds, peak = engine(pages, pathlib.Path(folder))
    wrong = spaces = total = 0
    for page, (lines, taken), words in zip(pages, native_read, read):
        pairs = differences(lines, words)
        letters = [(a.replace(" ", ""), b.replace(" ", "")) for a, b in pairs]
        count = sum(len(text) for text, _ in lines)
        differ, of_letters = (sum(distance(*pair) for pair in all) for all in (pairs, letters))
        print(f"{page.name}: {count} characters, {differ} differ, {differ - of_letters} of them spaces; {taken:.1f} s")
        for pair in pairs:
            print("    {}\n  > {}".format(*pair))
        total, wrong, spaces = total + count, wrong + differ, spaces + differ - of_letters
    print(f"all: {total} characters, {wrong} differ ({wrong / max(total, 1):.2%}), {spaces} of them spaces")
    print(f"RapidOCR: {native_seconds:.1f} s, {native_peak:.0f} MiB")
    print(f"ppocr:    {seconds:.1f} s, {peak:.0f} MiB, {seconds / native_seconds:.2f} times its time")


if __name__ == "__main__":
    main()
