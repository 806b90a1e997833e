import { LONGEST_FILE_NAME } from '../../../nodes/files.ts';
import { LONGEST_TEXT, type Param } from '../../../nodes/params.ts';

/** How a language says what a param allows, kind by kind, as `describeAllowed` says it in English. */
export interface AllowedTexts {
  readonly sentence: (allowed: string) => string;
  readonly integer: (min: number, max: number, unit: string) => string;
  readonly number: (min: number, max: number, unit: string) => string;
  /** Added to a number: a word that stands for a value. */
  readonly word: (word: string, value: number) => string;
  readonly text: (letters: number) => string;
  readonly choice: (options: readonly string[]) => string;
  readonly boolean: string;
  readonly model: string;
  /** Added to a model: that it may be left out. */
  readonly optional: string;
  readonly file: (endings: readonly string[]) => string;
  /** Added to a file: or a folder of such files. */
  readonly folder: string;
  readonly fileName: (bytes: number, placeholders: readonly string[]) => string;
  /** The words of units, as params name them. */
  readonly units: Readonly<Record<string, string>>;
}

/** The sentence that says what a param must be. */
export function mustBe(texts: AllowedTexts): (param: Param) => string {
  return (param) => texts.sentence(sayAllowed(texts, param));
}

function sayAllowed(texts: AllowedTexts, param: Param): string {
  switch (param.kind) {
    case 'integer':
    case 'number': {
      const unit = param.unit === undefined ? '' : ` ${texts.units[param.unit] ?? param.unit}`;
      const words = Object.entries(param.words ?? {}).map(([word, value]) => texts.word(word, value));
      return texts[param.kind](param.min, param.max, unit) + words.join('');
    }
    case 'text':
      return texts.text(LONGEST_TEXT);
    case 'choice':
      return texts.choice(param.options);
    case 'boolean':
      return texts.boolean;
    case 'seed':
      return texts.integer(0, Number.MAX_SAFE_INTEGER, '');
    case 'model':
      return texts.model + (param.optional ? texts.optional : '');
    case 'file':
      return texts.file(param.accept) + (param.folder ? texts.folder : '');
    case 'file-name':
      return texts.fileName(
        LONGEST_FILE_NAME,
        (param.placeholders ?? []).map((word) => `{${word}}`),
      );
  }
}
