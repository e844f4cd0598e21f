// Files of this browser go to the content store: only what the server does not have is sent.
import { blake3 } from "@noble/hashes/blake3.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { address, ApiError, call } from "./client";

export interface Dropped {
  path: string; // relative, with /
  file: File;
}
const LEFT_OUT = /(^|\/)(\.git|__pycache__|\.venv|node_modules|\.ipynb_checkpoints|\.DS_Store)(\/|$)|\.pyc$/;
const BATCH = 32 << 20;

/** The root of the tree of these files. `told` hears of progress, 0 to 1. */
export async function uploadTree(workspace: string, files: Dropped[], told: (part: number) => void = () => {}): Promise<string> {
  const kept = files.filter((item) => !LEFT_OUT.test(item.path));
  const total = kept.reduce((sum, item) => sum + item.file.size, 0) || 1;
  let done = 0;
  const entries: { path: string; size: number; hash: string; file: File }[] = [];
  for (const { path, file } of kept) {
    const hash = blake3.create();
    for (let at = 0; at < file.size; at += 4 << 20) hash.update(new Uint8Array(await file.slice(at, at + (4 << 20)).arrayBuffer()));
    entries.push({ path, size: file.size, hash: bytesToHex(hash.digest()), file });
    told(((done += file.size) / total) * 0.4);
  }
  const { hashes } = await call("content.missing", { workspace, hashes: [...new Set(entries.map((entry) => entry.hash))] });
  const wanted = new Set(hashes);
  const send = [...new Map(entries.filter((entry) => wanted.has(entry.hash)).map((entry) => [entry.hash, entry])).values()];
  let batch: BlobPart[] = [];
  let held = 0;
  for (const [at, entry] of send.entries()) {
    batch.push(head(entry.hash, entry.size), entry.file);
    held += entry.size;
    if (held >= BATCH || at === send.length - 1) {
      const answer = await fetch(address("content.upload", { workspace }).url, { method: "POST", body: new Blob(batch), credentials: "same-origin" });
      if (!answer.ok) throw new ApiError(answer.status, "UploadFailed", `The upload failed: the server answered with ${answer.status}.`);
      [batch, held] = [[], 0];
    }
    told(0.4 + (0.6 * (at + 1)) / send.length);
  }
  const tree = await call("content.tree", { workspace, entries: entries.map(({ path, size, hash }) => ({ path, size, hash })) });
  return tree.root;
}

function head(hash: string, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(40);
  for (let at = 0; at < 32; at += 1) bytes[at] = parseInt(hash.slice(2 * at, 2 * at + 2), 16);
  new DataView(bytes.buffer).setBigUint64(32, BigInt(size));
  return bytes;
}

/** Everything that was dropped, folders with all they hold. */
export async function dropped(transfer: DataTransfer): Promise<Dropped[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const found: Dropped[] = [];
  const walk = async (entry: FileSystemEntry, path: string): Promise<void> => {
    if (LEFT_OUT.test(path)) return;
    if (entry.isFile) {
      found.push({ path, file: await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)) });
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return;
      for (const inner of some) await walk(inner, `${path}/${inner.name}`);
    }
  };
  for (const entry of entries) await walk(entry, entry.name);
  return found;
}

export const picked = (list: FileList): Dropped[] => [...list].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
