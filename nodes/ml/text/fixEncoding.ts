/** Letters of Windows-1252 for the bytes 0x80 to 0x9f; the five that it leaves free are controls, as in Latin-1. */
const WINDOWS1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** The byte of each letter beyond ASCII in an encoding of a byte a letter. */
type Table = ReadonlyMap<string, number>;

/** Windows-1252 and Latin-1 at once: they have no letter in common that is not of one byte in both. */
const western: Table = new Map([
  ...[...WINDOWS1252].map((letter, i): [string, number] => [letter, 0x80 + i]),
  ...Array.from({ length: 0x80 }, (_, i): [string, number] => [String.fromCharCode(0x80 + i), 0x80 + i]),
]);
const others = [
  'windows-1251',
  'windows-1250',
  'windows-1253',
  'windows-1254',
  'windows-1257',
  'iso-8859-2',
  'macintosh',
];
const tables = new Map<string, Table>();

function tableOf(encoding: string): Table {
  const known = tables.get(encoding);
  if (known) return known;
  const letters = new TextDecoder(encoding).decode(Uint8Array.from({ length: 0x80 }, (_, i) => 0x80 + i));
  const table = new Map(
    [...letters].map((letter, i) => [letter === '\ufffd' ? String.fromCharCode(0x80 + i) : letter, 0x80 + i]), // free bytes
  );
  tables.set(encoding, table);
  return table;
}

const lettersOf = (from: number, to: number) =>
  `[${[...western].flatMap(([letter, byte]) => (byte >= from && byte <= to ? letter : [])).join('')}]`;
const [two, three, four, more] = [
  lettersOf(0xc2, 0xdf),
  lettersOf(0xe0, 0xef),
  lettersOf(0xf0, 0xf4),
  lettersOf(0x80, 0xbf),
];
/** Letters whose bytes are those of UTF-8. */
const misread = new RegExp(`(?:${two}${more}|${three}${more}{2}|${four}${more}{3})+`, 'gu');
/** The same of three bytes, where a no-break space, the byte 0xa0, became a space. */
const spaced = new RegExp(`(${three})(?:(${more}) | (${more}))`, 'gu');

/**
 * A text that was UTF-8 and was read in another encoding, even several times, read right: "cafÃ©" is "café". What does not
 * look so stays as it is. The idea is that of ftfy 6, fix_encoding, which knows by finer rules what looks wrong.
 */
export function fixEncoding(text: string): string {
  let fixed = text;
  for (let times = 0; times < 8 && /[^\0-\x7f]/.test(fixed); times++) {
    const before = fixed;
    fixed = fixOnce(fixed);
    if (fixed === before) break;
  }
  return fixed.replace(/[\x80-\x84\x86-\x9f]/g, (letter) => WINDOWS1252[letter.charCodeAt(0) - 0x80]!);
}

function fixOnce(text: string): string {
  const whole = reread(text, western) ?? reread(withNoBreakSpaces(text), western);
  if (whole !== undefined) return whole;
  for (const encoding of others) {
    const fixed = reread(text, tableOf(encoding));
    if (fixed !== undefined) return fixed;
  }
  const parts = (text.match(misread) ?? []).join('');
  return reread(parts, western) === undefined ? text : text.replace(misread, (part) => decode(part, western) ?? part);
}

/** No-break spaces put back where a space stands among the bytes of a letter: "Ã la mode", "voilÃ ". */
function withNoBreakSpaces(text: string): string {
  return text
    .replace(/Ã (?! |quele|quela|quilo|s )/g, 'Ã\u00a0 ')
    .replace(/([ÂÃÅÎÐÙ]) /g, '$1\u00a0')
    .replace(spaced, (_, first: string, second = '\u00a0', third = '\u00a0') => `${first}${second}${third}`);
}

/** A text, its letters taken for bytes of UTF-8; undefined where they are not, or may be meant as they stand. */
function reread(text: string, table: Table): string | undefined {
  const fixed = decode(text, table);
  if (fixed === undefined) return undefined;
  const letters = fixed.match(/[^\0-\x7f]/gu) ?? [];
  // One letter of two bytes may be chance: "É™" may be meant, "Ã©" and "â€™" are not.
  const isSure =
    letters.length > 1 || (letters.length === 1 && (/[ÂÃÎÐ\x80-\x9f]|Å.\p{L}/u.test(text) || letters[0]! >= '\u0800'));
  return isSure ? fixed : undefined;
}

function decode(text: string, table: Table): string | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const byte = text[i]! < '\x80' ? text.charCodeAt(i) : table.get(text[i]!);
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
