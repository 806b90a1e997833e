import { decodeHTML, decodeHTMLStrict } from 'entities';
import { fixEncoding } from './fixEncoding.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
const controls = /[\x00-\x08\x0b\x0e-\x1f\x7f]/g;

/**
 * The repairs that open_clip's tokenizer makes before it lowers a text: ftfy's of wrongly decoded bytes, ligatures,
 * full-width letters, curly quotes, line ends and control characters, line by line, and character references of HTML
 * resolved twice. Source: ftfy 6, fix_text; open_clip, tokenizer.py, basic_clean.
 */
export function fixText(text: string): string {
  const repaired = text.replace(/[^\n]*\n?/g, fixLine);
  return unescapeAll(unescapeAll(repaired)).trim();
}

/** Character references as Python's html.unescape resolves them: those of control characters vanish. */
function unescapeAll(text: string): string {
  return decodeHTML(text).replace(controls, '');
}

function fixLine(line: string): string {
  let fixed = line;
  for (let times = 0; times < 8; times++) {
    const before = fixed;
    const unescaped = fixed.includes('<') ? fixed : unescapeHtml(fixed);
    fixed = fixLetters(fixEncoding(unescaped));
    if (fixed === before) break;
  }
  return fixed;
}

/** Character references that end in a semicolon, and those of Latin letters in capitals: `P&EACUTE;REZ`. */
function unescapeHtml(text: string): string {
  return decodeHTMLStrict(text).replace(/&[A-Z]{3,10};/g, (reference) => {
    const letter = decodeHTMLStrict(reference.toLowerCase());
    return /^\p{Script=Latin}$/u.test(letter) ? letter.toUpperCase() : reference;
  });
}

function fixLetters(text: string): string {
  return (
    text
      .replace(/[ﬀ-ﬆĲĳŉǄ-ǌǱ-ǳ]/gu, (letter) => letter.normalize('NFKC'))
      .replace(/[\u3000\uff01-\uffef]/gu, (letter) => letter.normalize('NFKC'))
      .replace(/[\u02bc\u2018-\u201b]/gu, "'")
      .replace(/[\u201c-\u201f]/gu, '"')
      .replace(/\r\n|[\r\u2028\u2029\u0085]/gu, '\n')
      .replace(/\p{Cs}/gu, '\ufffd')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed.
      .replace(/[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/gu, '')
      .normalize('NFC')
  );
}
