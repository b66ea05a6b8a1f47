// Files out of a drop or a field, with those in folders.

export interface Found {
  file: File;
  /** With the folders that it lies in. */
  name: string;
}

/** Files that are looked at in one drop: more than the queue takes. */
const FILES_MAX = 2_000;

/** What was found, and how much of it could not be looked at. */
export interface Dropped {
  found: Found[];
  /** Names of folders and files that can't be read. */
  unread: string[];
  /** Whether there was more than is looked at. */
  more: boolean;
}

/** Names that programs leave in folders. */
function isLeftover(name: string): boolean {
  return name.startsWith(".") || name === "Thumbs.db" || name === "desktop.ini";
}

export function fromList(list: FileList): Found[] {
  return [...list]
    .map((file) => ({ file, name: file.webkitRelativePath || file.name }))
    .filter(({ file, name }) => name === file.name || !isLeftover(file.name));
}

/** Keeps a file that is dropped where nothing takes it from being opened in place of the page. */
export function refuseDrops(): void {
  const refuse = (event: DragEvent) => {
    if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  };
  addEventListener("dragover", refuse);
  addEventListener("drop", refuse);
}

/** Everything that was dropped. The entries have to be taken before the event ends. */
export async function fromDrop(transfer: DataTransfer): Promise<Dropped> {
  const entries = [...transfer.items]
    .filter((item) => item.kind === "file")
    .map((item) => ({ entry: item.webkitGetAsEntry?.() ?? null, file: item.getAsFile() }));
  const all: Dropped = { found: [], unread: [], more: false };
  for (const { entry, file } of entries) {
    if (entry?.isDirectory) await walk(entry as FileSystemDirectoryEntry, all);
    else if (file) all.found.push({ file, name: file.name });
  }
  return all;
}

async function walk(folder: FileSystemDirectoryEntry, all: Dropped): Promise<void> {
  const reader = folder.createReader();
  try {
    for (;;) {
      // A reader gives a part of the folder at a time, and nothing at its end.
      const part = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail));
      if (!part.length) return;
      for (const entry of part) {
        if (isLeftover(entry.name)) continue;
        if (all.found.length >= FILES_MAX) {
          all.more = true;
          return;
        }
        if (entry.isDirectory) await walk(entry as FileSystemDirectoryEntry, all);
        else await take(entry as FileSystemFileEntry, all);
      }
    }
  } catch {
    all.unread.push(nameOf(folder));
  }
}

async function take(entry: FileSystemFileEntry, all: Dropped): Promise<void> {
  try {
    const file = await new Promise<File>((done, fail) => entry.file(done, fail));
    all.found.push({ file, name: nameOf(entry) });
  } catch {
    all.unread.push(nameOf(entry));
  }
}

function nameOf(entry: FileSystemEntry): string {
  return entry.fullPath.replace(/^\//, "");
}
