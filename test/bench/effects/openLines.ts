import { appendFile, readFile } from 'node:fs/promises';
import { writeAtomic } from '../../../electron/files/disk.ts';

/** Lines of JSON in a file that only grows. */
export interface Lines<Line> {
  readonly all: readonly Line[];
  add(line: Line): Promise<void>;
}

/** Opens such a file, or begins one. A last line that was cut off is dropped. */
export async function openLines<Line>(path: string): Promise<Lines<Line>> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const whole = text.split('\n').filter((line) => line.endsWith('}'));
  await writeAtomic(path, whole.map((line) => `${line}\n`).join(''));
  const all = whole.map((line) => JSON.parse(line) as Line);
  return {
    all,
    async add(line) {
      await appendFile(path, `${JSON.stringify(line)}\n`);
      all.push(line);
    },
  };
}
