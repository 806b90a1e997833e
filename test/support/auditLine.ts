import { spawnSync } from 'node:child_process';

interface Audit {
  readonly metadata?: { readonly vulnerabilities: Readonly<Record<string, number>> };
  readonly message?: string;
  readonly error?: { readonly summary?: string };
}

/** What npm knows of holes in the packages that the program is made of, in a line; or why it does not know. */
export function auditLine(folder: string): string {
  const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return inWords(stdout ?? '');
}

/** The line for what `npm audit --json` printed. */
export function inWords(json: string): string {
  let audit: Audit;
  try {
    audit = JSON.parse(json) as Audit;
  } catch {
    return 'the registry did not answer.';
  }
  if (!audit.metadata) {
    const reason = (audit.error?.summary || audit.message || 'no reason given').split(' - ')[0];
    return `the registry does not answer audits (${reason}).`;
  }
  const { total = 0, ...levels } = audit.metadata.vulnerabilities;
  const found = Object.entries(levels).flatMap(([level, count]) => (count > 0 ? [`${count} ${level}`] : []));
  return total === 0 ? 'no known holes.' : `${total} known holes: ${found.join(', ')}.`;
}
