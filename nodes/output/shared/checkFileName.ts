import { UserError } from '../../errors.ts';
import { isPlainName } from '../../files.ts';

/** Throws UserError `BAD_PARAM` where the param `name` of a node makes no good file name. */
export function checkFileName(name: string): void {
  if (isPlainName(name) && !/[<>:"|?*]/.test(name) && !name.startsWith('.')) return;
  throw new UserError('BAD_PARAM', `"${name}" is no good file name; use letters, digits, - and _.`, {
    at: { param: 'name' },
  });
}
