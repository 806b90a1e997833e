import type { UserConsoleLog } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

/** What a suite prints where its device cannot be had, see test/support/devices.ts. */
const skipped = /^SKIPPED on (\w+): .*?: (.*)$/m;

/**
 * Ends a test run with what was not run and why, once a device instead of once a suite, and with the line
 * `N passed, N failed` (a file or hook that fails counts as a failed test).
 */
export class TestReport implements Reporter {
  private readonly reasons = new Map<string, number>();

  onUserConsoleLog({ content }: UserConsoleLog): void {
    const [, device, reason] = skipped.exec(content) ?? [];
    if (!device || !reason) return;
    const line = `on ${device}: ${reason}`;
    this.reasons.set(line, (this.reasons.get(line) ?? 0) + 1);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    const brokenSuites = modules
      .flatMap((module) => [module, ...module.children.allSuites()])
      .filter((suite) => suite.errors().length > 0);
    for (const [line, suites] of this.reasons)
      console.log(`Not run ${line} (${suites} ${suites === 1 ? 'suite' : 'suites'})`);
    if (count('skipped') > 0) console.log(`${count('skipped')} skipped`);
    console.log(`${count('passed')} passed, ${count('failed') + brokenSuites.length + unhandledErrors.length} failed`);
  }
}
