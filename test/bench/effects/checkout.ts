import { execFileSync } from 'node:child_process';

/** The commit that is checked out, and the day, for people: "at commit 0a1b2c3 with changes, 2026-11-30". */
export function checkoutInWords(day = new Date()): string {
  const date = day.toISOString().slice(0, 10);
  try {
    const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim();
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `at commit ${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}, ${date}`;
  } catch {
    return `outside of a git checkout, ${date}`;
  }
}
