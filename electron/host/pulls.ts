import { toProblem } from '../../graphs/document/problems.ts';
import { UserError } from '../../nodes/errors.ts';
import { modelsFolder } from '../files/folders.ts';
import { chooseFiles } from '../models/chooseFiles.ts';
import { openHubModel, sumSizes, usualHub } from '../models/hub.ts';
import { freeDisk, pullModel } from '../models/pullModel.ts';
import type { Pull, PullPlan } from './ipc.ts';

/** Least time between two reports of progress, in milliseconds. */
const REPORT = 100;

/** Downloads of models that the window asked for. Each runs in the background and emits its progress. */
export function pulls(emit: (pull: Pull) => void) {
  const running = new Map<string, AbortController>();

  const download = async (name: string, variant: string | undefined, signal: AbortSignal): Promise<Pull> => {
    try {
      const hub = usualHub();
      const model = await openHubModel(hub, name);
      let reported = 0;
      const report = (progress: { file: string; done: number; total: number }) => {
        if (performance.now() - reported < REPORT) return;
        reported = performance.now();
        emit({ name, state: 'running', ...progress });
      };
      await pullModel(hub, model, chooseFiles(model, variant), modelsFolder(), { signal, emit: report });
      return { name, state: 'done' };
    } catch (error) {
      if (signal.aborted) return { name, state: 'stopped' };
      return { name, state: 'failed', problem: describeFailure(error) };
    }
  };

  return {
    async plan(name: string, variant?: string): Promise<PullPlan> {
      const model = await openHubModel(usualHub(), name);
      const files = chooseFiles(model, variant).map(({ path, size }) => ({ path, size }));
      return {
        name,
        commit: model.commit,
        files,
        bytes: sumSizes(chooseFiles(model, variant)),
        freeBytes: await freeDisk(modelsFolder()),
      };
    },
    start(name: string, variant?: string): void {
      if (running.has(name)) return;
      const controller = new AbortController();
      running.set(name, controller);
      void download(name, variant, controller.signal).then((pull) => {
        running.delete(name);
        emit(pull);
      });
    },
    stop(name: string): void {
      running.get(name)?.abort();
    },
  };
}

/** What the disk or the hub did, in a sentence. */
function describeFailure(error: unknown) {
  if (error instanceof UserError) return toProblem(error);
  const reason = error instanceof Error ? error.message : String(error);
  return new UserError('PULL_FAILED', `The download stopped: ${reason}. What has arrived is kept; try again.`).toJSON();
}
