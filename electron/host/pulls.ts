import { toProblem } from '../../graphs/document/problems.ts';
import { UserError } from '../../nodes/errors.ts';
import { modelsFolder } from '../files/folders.ts';
import { chooseFiles, findFiles } from '../models/chooseFiles.ts';
import { type Hub, type HubFile, type HubModel, openHubModel, sumSizes, usualHub } from '../models/hub.ts';
import { knownModels } from '../models/knownModels.ts';
import { freeDisk, pullModel } from '../models/pullModel.ts';
import type { Pull, PullPlan } from './ipc.ts';

/** Least time between two reports of progress, in milliseconds. */
const REPORT = 100;

/** Downloads of models that the window asked for. Each runs in the background and emits its progress. */
export function pulls(emit: (pull: Pull) => void) {
  const running = new Map<string, AbortController>();
  let last: Promise<void> = Promise.resolve();

  const download = async (name: string, variant: string | undefined, signal: AbortSignal): Promise<Pull> => {
    try {
      const hub = usualHub();
      const parts: { readonly model: HubModel; readonly files: readonly HubFile[] }[] = [];
      for (const each of partsOf(name, variant)) parts.push(await each.open(hub));
      const total = parts.reduce((sum, { files }) => sum + sumSizes(files), 0);
      let reported = 0;
      let before = 0;
      for (const { model, files } of parts) {
        const report = ({ file, done }: { readonly file: string; readonly done: number }) => {
          if (performance.now() - reported < REPORT) return;
          reported = performance.now();
          emit({ name, state: 'running', file, done: before + done, total });
        };
        await pullModel(hub, model, files, modelsFolder(), { signal, emit: report });
        before += sumSizes(files);
      }
      return { name, state: 'done' };
    } catch (error) {
      if (signal.aborted) return { name, state: 'stopped' };
      return { name, state: 'failed', problem: describeFailure(error) };
    }
  };

  return {
    async plan(name: string, variant?: string): Promise<PullPlan> {
      const hub = usualHub();
      const [first, ...others] = await Promise.all(partsOf(name, variant).map((part) => part.open(hub)));
      const files = [first!, ...others].flatMap((part) => part.files).map(({ path, size }) => ({ path, size }));
      const bytes = files.reduce((sum, { size }) => sum + size, 0);
      return { name, commit: first!.model.commit, files, bytes, freeBytes: await freeDisk(modelsFolder()) };
    },
    /** Each waits for those that were started before: together they would only share the line. */
    start(name: string, variant?: string): void {
      if (running.has(name)) return;
      const controller = new AbortController();
      running.set(name, controller);
      emit({ name, state: 'waiting' });
      last = last.then(async () => {
        const pull: Pull = controller.signal.aborted
          ? { name, state: 'stopped' }
          : await download(name, variant, controller.signal);
        running.delete(name);
        emit(pull);
      });
    },
    stop(name: string): void {
      running.get(name)?.abort();
    },
  };
}

/**
 * What is downloaded for a name as a graph writes it: a hub model, or one file of it (`owner/name/file`); of models that are
 * known the files that are read, and what they cannot do without.
 */
function partsOf(name: string, variant: string | undefined) {
  const known = knownModels.find((each) => each.name === name);
  return [name, ...(known?.needs ?? [])].map((each) => {
    const [owner, title, ...rest] = each.split('/');
    const paths = rest.length > 0 ? [rest.join('/')] : each === name ? known?.files : undefined;
    return {
      async open(hub: Hub): Promise<{ readonly model: HubModel; readonly files: readonly HubFile[] }> {
        const model = await openHubModel(hub, title === undefined ? each : `${owner}/${title}`);
        return { model, files: paths ? findFiles(model, paths) : chooseFiles(model, variant ?? known?.variant) };
      },
    };
  });
}

/** What the disk or the hub did, in a sentence. */
function describeFailure(error: unknown) {
  if (error instanceof UserError) return toProblem(error);
  const reason = error instanceof Error ? error.message : String(error);
  return new UserError('PULL_FAILED', `The download stopped: ${reason}. What has arrived is kept; try again.`).toJSON();
}
