/** Named entities of HTML that prompts may hold; numbered ones need no table. */
const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  hellip: '…',
  mdash: '—',
  ndash: '–',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  laquo: '«',
  raquo: '»',
  bull: '•',
  middot: '·',
  deg: '°',
  times: '×',
  copy: '©',
  reg: '®',
  trade: '™',
  euro: '€',
  pound: '£',
};

/**
 * The repairs that open_clip's tokenizer makes before it lowers a text: ftfy's replacement of ligatures, full-width
 * letters, curly quotes, line ends and control characters, and HTML entities resolved twice.
 * Not done: ftfy's guessing of wrongly decoded bytes. Source: ftfy, fix_text; open_clip, tokenizer.py, basic_clean.
 */
export function fixText(text: string): string {
  const repaired = text
    .replace(/[ﬀ-ﬆĲĳŉǄ-ǌǱ-ǳ]/gu, (letter) => letter.normalize('NFKC'))
    .replace(/[\u3000\uff01-\uffef]/gu, (letter) => letter.normalize('NFKC'))
    .replace(/[\u02bc\u2018-\u201b]/gu, "'")
    .replace(/[\u201c-\u201f]/gu, '"')
    .replace(/\r\n|[\r\u2028\u2029\u0085]/gu, '\n')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
    .replace(/[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/gu, '')
    .normalize('NFC');
  return unescapeHtml(unescapeHtml(repaired)).trim();
}

function unescapeHtml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]+));/gu, (whole, decimal, hex, name) => {
    if (name !== undefined) return Object.hasOwn(entities, name) ? (entities[name] as string) : whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
