import { basename } from 'node:path';
import { isUserError, toProblem } from '../../graphs/document/problems.ts';
import { type Engine, prepareRun, type RunOptions } from '../../graphs/engine/engine.ts';
import type { RunEvent, RunFinished } from '../../graphs/run/events.ts';
import type { Library, NodeDevice } from '../../nodes/defineNode.ts';
import type { Files } from '../../nodes/files.ts';
import { createRunFolder, type RunFolder } from '../files/runFolder.ts';

export interface Recording {
  readonly library: Library;
  readonly device: Pick<NodeDevice, 'name' | 'description'>;
  readonly versions: Readonly<Record<string, string>>;
  /** Where the folders of runs are made. */
  readonly runsFolder: string;
  /** What relative paths in a graph start from, by where it lies. */
  folderOf(location: string | undefined): string;
  filesOf(location: string | undefined): Files;
  /** Called with the folder of each run before the run starts. */
  onFolder?(folder: RunFolder): void;
}

/**
 * The same engine, which also writes each run that starts into a folder of its own: `run-started` carries the folder's
 * name, `image` and `file` the path in it. `run-finished` is emitted when the record is whole on the disk. A run whose
 * folder cannot be written fails with `WRITE_FAILED`.
 */
export function recordRuns(engine: Engine, recording: Recording): Engine {
  return {
    ...engine,
    async run(document, options, emit, signal) {
      const prepared = options.prepared ?? prepareRun(document, options, recording.library);
      if (prepared.problems.length > 0) return engine.run(document, { ...options, prepared }, emit, signal);
      const full = new AbortController();
      let folder: RunFolder;
      try {
        folder = await createRunFolder(
          recording.runsFolder,
          {
            ...prepared,
            ...startOf(options),
            ...recording,
            folder: recording.folderOf(options.location),
            files: recording.filesOf(options.location),
          },
          () => full.abort(),
        );
      } catch (error) {
        return failToStart(options.run ?? 'run', error, recording.device, emit);
      }
      recording.onFolder?.(folder);
      const record = (event: RunEvent) => {
        const path = folder.receive(event);
        if (event.type === 'run-finished') return;
        if (event.type === 'run-started') emit({ ...event, folder: basename(folder.path) });
        else emit(path === undefined ? event : ({ ...event, path } as RunEvent));
      };
      const stop = signal ? AbortSignal.any([signal, full.signal]) : full.signal;
      let finished = await engine.run(document, { ...options, prepared }, record, stop);
      try {
        await folder.finish(finished.status);
      } catch (error) {
        if (!isUserError(error)) throw error;
        emit({ type: 'problem', run: finished.run, problem: toProblem(error) });
        finished = { ...finished, status: 'failed' };
      }
      emit(finished);
      return finished;
    },
  };
}

function startOf({ location = '', overrides = {}, targets }: RunOptions) {
  return { location, overrides, ...(targets ? { targets } : {}) };
}

/** Reports a run whose folder could not be made as one that failed. */
function failToStart(
  run: string,
  error: unknown,
  { name, description }: Recording['device'],
  emit: (event: RunEvent) => void,
): RunFinished {
  const finished: RunFinished = { type: 'run-finished', run, status: 'failed', ms: 0, ran: 0, cached: 0, freed: 0 };
  emit({ type: 'run-started', run, device: { name, description }, nodes: [] });
  emit({ type: 'problem', run, problem: toProblem(error) });
  emit(finished);
  return finished;
}
