/**
 * The outside world as the engine sees it. `nodes/` and `graphs/` never touch a disk or a network: a shell (command
 * line, desktop, server) hands in an implementation.
 */
export interface Files {
  /**
   * Turns what a user writes as a model or image location (`builtin:NAME`, a folder, a file, a hub name `owner/name`)
   * into a path for the other methods. Throws UserError `NOT_FOUND` that says what was looked for and where.
   */
  locate(location: string): Promise<string>;
  /**
   * Bytes [start, end) of a file, the whole file by default. They may lie in `scratch`, where one is given that is large
   * enough; else the caller owns the array. Throws UserError `NOT_FOUND` or `READ_FAILED`.
   */
  read(path: string, start?: number, end?: number, scratch?: Uint8Array): Promise<Uint8Array>;
  /** Opens a file for reading many ranges; the caller closes it. Throws as `read` does. */
  open(path: string): Promise<OpenFile>;
  /** Size in bytes, or undefined where there is no such file. */
  size(path: string): Promise<number | undefined>;
  /** Names of the files and folders (folders end in '/') directly inside a folder, sorted; undefined if it is no folder. */
  list(path: string): Promise<string[] | undefined>;
  /** sha256 of a file's content, or of a folder's files, as hex. Cached by path, size and time of change. */
  fingerprint(path: string): Promise<string>;
  /** Pixels of an encoded image (PNG, JPEG, WebP ...): upright, alpha over white, 8-bit RGB. */
  decodeImage(bytes: Uint8Array): Promise<{ width: number; height: number; rgb: Uint8Array }>;
}

export interface OpenFile {
  /** As `Files.read`. */
  read(start?: number, end?: number, scratch?: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Joins with '/', and collapses nothing: callers check names from untrusted files with `isPlainName`. */
export function joinPath(folder: string, name: string): string {
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

/** The folder that a file or folder lies in; `.` for a name alone. */
export function folderOf(path: string): string {
  const end = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  return end < 0 ? '.' : path.slice(0, end) || '/';
}

/**
 * True for a relative path that cannot leave its folder and means the same on every system: no `..`, no absolute path, no
 * drive or stream (`:`), no control character and no mark that turns the reading direction, no part that ends in a dot or a space (Windows leaves them out), and no device.
 */
export function isPlainName(name: string): boolean {
  if (/[\p{Cc}\p{Bidi_Control}\\:]/u.test(name)) return false;
  return name.split('/').every((part) => part !== '' && !/[. ]$/.test(part) && !isDeviceName(part));
}

/** Whether Windows takes the name of a file or folder for a device, whatever its ending: `nul`, `COM1.txt`. */
export function isDeviceName(name: string): boolean {
  return /^ *(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *([.:]|$)/i.test(name);
}

/** Bytes of the longest name of a file that a node writes, in UTF-8: its ending, a number and `.part` come to it; disks take 255. */
export const LONGEST_FILE_NAME = 180;

/**
 * Whether a node may name a file so: a plain relative name without the letters that some systems refuse, hidden files,
 * and letters that cannot be seen. A word of `placeholders` in braces stands for letters of which at least 20 bytes fit.
 */
export function isFileName(name: string, placeholders: readonly string[] = []): boolean {
  const filled = name.replace(/\{(\w+)\}/g, (all, word: string) =>
    placeholders.includes(word) ? 'x'.repeat(20) : all,
  );
  return (
    isPlainName(filled) &&
    !/[<>:"|?*{}]|[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u.test(filled) &&
    !filled.split('/').some((part) => part.startsWith('.')) &&
    byteLength(filled) <= LONGEST_FILE_NAME
  );
}

/** Bytes of a text in UTF-8. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
