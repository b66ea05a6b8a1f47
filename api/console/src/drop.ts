// Files out of a drop or a field, with those in folders.

export interface Found {
  file: File;
  /** With the folders that it lies in. */
  name: string;
}

/** Files that are looked at in one drop: more than the queue takes. */
const FILES_MAX = 2_000;

/** Names that programs leave in folders. */
function isLeftover(name: string): boolean {
  return name.startsWith(".") || name === "Thumbs.db" || name === "desktop.ini";
}

export function fromList(list: FileList): Found[] {
  return [...list]
    .map((file) => ({ file, name: file.webkitRelativePath || file.name }))
    .filter(({ file, name }) => name === file.name || !isLeftover(file.name));
}

/** Everything that was dropped. The entries have to be taken before the event ends. */
export async function fromDrop(transfer: DataTransfer): Promise<Found[]> {
  const entries = [...transfer.items]
    .filter((item) => item.kind === "file")
    .map((item) => ({ entry: item.webkitGetAsEntry?.() ?? null, file: item.getAsFile() }));
  const found: Found[] = [];
  for (const { entry, file } of entries) {
    if (entry?.isDirectory) await walk(entry as FileSystemDirectoryEntry, found);
    else if (file) found.push({ file, name: file.name });
  }
  return found;
}

async function walk(folder: FileSystemDirectoryEntry, found: Found[]): Promise<void> {
  const reader = folder.createReader();
  while (found.length < FILES_MAX) {
    // A reader gives a part of the folder at a time, and nothing at its end.
    const part = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail));
    if (!part.length) return;
    for (const entry of part) {
      if (found.length >= FILES_MAX) return;
      if (isLeftover(entry.name)) continue;
      if (entry.isDirectory) await walk(entry as FileSystemDirectoryEntry, found);
      else {
        const file = await new Promise<File>((done, fail) => (entry as FileSystemFileEntry).file(done, fail));
        found.push({ file, name: entry.fullPath.replace(/^\//, "") });
      }
    }
  }
}
