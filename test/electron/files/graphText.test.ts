import { describe, expect, it } from 'vitest';
import { extractGraphText } from '../../../electron/files/graphText.ts';
import { isUserError } from '../../../graphs/document/problems.ts';

const text = '{ "format": "noiseloom-graph",\n "title": "un café 猫 🐈" }';
const utf16 = (text: string, littleEndian: boolean) =>
  Uint8Array.from(
    text.split('').flatMap((unit) => {
      const [low, high] = [unit.charCodeAt(0) & 255, unit.charCodeAt(0) >> 8];
      return littleEndian ? [low, high] : [high, low];
    }),
  );
const utf32 = (text: string) =>
  Uint8Array.from(
    [...text].flatMap((letter) => {
      const code = letter.codePointAt(0)!;
      return [code & 255, (code >> 8) & 255, code >> 16, 0];
    }),
  );
const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));

function refusalOf(bytes: Uint8Array): string {
  try {
    return `read as ${extractGraphText(bytes, 'a.json')}`;
  } catch (error) {
    if (!isUserError(error)) throw error;
    return `${error.code} ${error.message}`;
  }
}

describe('the text of a graph', () => {
  it.each([
    ['UTF-8', new TextEncoder().encode(text)],
    ['UTF-8 with a byte order mark', new TextEncoder().encode(`\ufeff${text}`)],
    ['UTF-16 LE with a byte order mark, as PowerShell writes', utf16(`\ufeff${text}`, true)],
    ['UTF-16 BE with a byte order mark', utf16(`\ufeff${text}`, false)],
    ['UTF-16 LE', utf16(text, true)],
    ['UTF-16 BE', utf16(text, false)],
  ])('is read from %s', (_, bytes) => {
    expect(extractGraphText(bytes, 'a.json')).toBe(text);
  });

  it.each([
    ['Latin-1', latin1('{\n "title": "un café" }'), 'its byte 19, in line 2, is 0xe9'],
    ['Latin-1 after a byte order mark', latin1('\xef\xbb\xbf{"é"}'), 'its byte 5, in line 1, is 0xe9'],
    ['Latin-1 at its end', latin1('{"a": 1}é'), 'its last letter is cut short'],
    ['Windows-1252', latin1('{"\x93a\x94"}'), 'is 0x93'],
    ['Shift JIS', Uint8Array.from([0x7b, 0x22, 0x94, 0x4c, 0x22, 0x7d]), 'is 0x94'],
    ['GBK', Uint8Array.from([0x7b, 0x22, 0xc3, 0xa8, 0xc4, 0x22, 0x7d]), 'its byte 4'],
    ['UTF-8 that is cut short', new TextEncoder().encode('{"猫').subarray(0, -1), 'its last letter is cut short'],
    ['half a surrogate in UTF-16', utf16('\ufeff{"\ud83d"}', true), 'it is broken UTF-16'],
    ['an odd byte in UTF-16', utf16(`\ufeff${text}`, true).subarray(0, -1), 'it is broken UTF-16'],
    ['UTF-32', utf32(`\ufeff${text}`), 'it is UTF-32'],
  ])('is refused in %s, in words', (_, bytes, reason) => {
    expect(refusalOf(bytes)).toMatch(/^NOT_UTF8 "a\.json" is not readable as UTF-8: /);
    expect(refusalOf(bytes)).toContain(reason);
  });

  it.each([
    ['a JPEG', latin1('\xff\xd8\xff\xe0\0\x10JFIF'), 'it is an image'],
    ['a gzip archive', latin1('\x1f\x8b\x08\0\0\0\0\0'), 'it is a gzip archive; unpack it first'],
    ['another binary file', latin1('MZ\x90\0\x03\0\xff\xff'), 'it holds bytes that no text has'],
  ])('%s is no text in another encoding', (_, bytes, what) => {
    expect(() => extractGraphText(bytes, 'a.json')).toThrow(`"a.json" is no text: ${what}.`);
  });

  it('keeps U+FFFD where the file has it', () => {
    expect(extractGraphText(new TextEncoder().encode('"\ufffd"'), 'a.json')).toBe('"\ufffd"');
    expect(refusalOf(latin1('"\xef\xbf\xbd é"'))).toContain('its byte 5, ');
  });
});
