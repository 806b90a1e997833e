/**
 * GPT-2's printable letter for each byte: itself where printable, else the next free code point from 256 on. In the
 * order of CLIP's vocabulary: the printable bytes first. Source: openai/CLIP, simple_tokenizer.py, bytes_to_unicode.
 */
export function byteLetters(): string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 255 && byte !== 173);
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const ordered = [...bytes.filter(printable), ...bytes.filter((byte) => !printable(byte))];
  let free = 256;
  return ordered.map((byte) => String.fromCodePoint(printable(byte) ? byte : free++));
}
