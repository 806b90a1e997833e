import { GraphError } from '../../errors.ts';
import { isPlainName } from '../../files.ts';

/** Throws GraphError `BAD_PARAM` where the param `name` of a node makes no good file name. */
export function checkFileName(name: string): void {
  if (isPlainName(name) && !/[<>:"|?*]/.test(name) && !name.startsWith('.')) return;
  throw new GraphError('BAD_PARAM', `"${name}" is no good file name; use letters, digits, - and _.`, {
    at: { param: 'name' },
  });
}
