/** Files that are often saved under the name of a model, by how they start. */
const contents: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^version https:\/\/git-lfs/, 'it is a git LFS pointer, not the file itself; run "git lfs pull" in its folder'],
  [
    /^\s*(<\?xml|<!--|<!doctype|<html|<head|<body)/i,
    'it is a web page, not the file itself: the site wanted a sign-in or had no such file; download it again',
  ],
  [/^GGUF/, 'it is a GGUF file, whose weights are quantised; get the model as safetensors'],
  [/^\x89HDF/, 'it is an HDF5 file of Keras; get the model as safetensors'],
  [/^(\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP)/, 'it is an image'],
  [/^(7z\xbc\xaf|Rar!|\xfd7zXZ|BZh)/, 'it is an archive; unpack it first'],
  [/^\s*[[{]\s*"[ -~]{4}/, 'it is JSON, as configs and vocabularies are, and holds no weights'],
  [/^%PDF/, 'it is a PDF document'],
];
/** A short answer of a server in place of the file: text from the first byte to the last. */
const LONGEST_ANSWER = 500;

/** What a file that starts so is instead of a checkpoint; undefined where it may be one. Goes on from "the file is not usable: ". */
export function foreignContent(start: Uint8Array): string | undefined {
  if (start.length === 0) return 'it is empty';
  if (start.every((byte) => byte === 0)) return 'it starts with zeros only: it was not downloaded to the end';
  if (start[0] === 0x1f && start[1] === 0x8b) return 'it is a gzip archive; unpack it first';
  const text = String.fromCharCode(...start);
  const known = contents.find(([pattern]) => pattern.test(text));
  if (known) return known[1];
  if (start.length > LONGEST_ANSWER || !/^[\t\n\r -~]{8,}$/.test(text)) return undefined;
  return `it is a text, not the file itself: ${JSON.stringify(text.slice(0, 60))}`;
}
