import { catchOutcome, type Outcome } from '../../graphs/engine/outcome.ts';
import { type DesktopApi, methods } from './ipc.ts';

/** Whether a name and a list are a method and its arguments; those at the end that may be absent may be left out. */
export function isCall(name: string, args: unknown): args is readonly unknown[] {
  if (!Object.hasOwn(methods, name) || !Array.isArray(args)) return false;
  const checks: readonly ((argument: unknown) => boolean)[] = methods[name as keyof typeof methods];
  return args.length <= checks.length && checks.every((check, i) => check(args[i]));
}

/** Calls a method of the desktop with arguments that `isCall` found right. */
export function callDesktop(desktop: DesktopApi, name: string, args: readonly unknown[]): Promise<Outcome> {
  const method = desktop[name as keyof typeof methods] as (...args: readonly unknown[]) => Promise<unknown>;
  return catchOutcome(() => method(...args));
}
