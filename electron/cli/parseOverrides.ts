import { UsageError } from './usageError.ts';

/** The values of each `--set node.param=value`, as typed. Throws UsageError, which shows `example`. */
export function parseOverrides(set: readonly string[], example: string): Record<string, string> {
  const pairs = set.map((each) => {
    const equals = each.indexOf('=');
    if (equals < 1) throw new UsageError(`--set "${each}" has no value. Write it like ${example}.`);
    return [each.slice(0, equals), each.slice(equals + 1)];
  });
  return Object.fromEntries(pairs);
}
