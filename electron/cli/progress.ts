import { SingleBar } from 'cli-progress';
import { oneLine, remark, timeInWords } from './terminal.ts';

/** How often a line reports progress, in milliseconds. */
const LINE_INTERVAL = 5000;

/** Shows the progress of one task: a bar with the time left on a terminal, else a line now and then. */
export interface Progress {
  /** Starts a new task. */
  start(title: string): void;
  /** In [0, 1]. */
  update(fraction: number, text?: string): void;
  /** Ends the task with a line about it. */
  end(line: string): void;
  /** Removes the bar, e.g. before an error is printed. */
  stop(): void;
}

/** `stream` is where it shows: stderr. */
export function showProgress(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? barProgress(stream) : lineProgress();
}

function barProgress(stream: NodeJS.WriteStream): Progress {
  let bar: SingleBar | undefined;
  let began = 0;
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  return {
    start(title) {
      stop();
      began = performance.now();
      const format = '{title} {bar} {percentage} % {left} {text}';
      bar = new SingleBar({
        format,
        stream,
        clearOnComplete: true,
        hideCursor: true,
        gracefulExit: true,
        barsize: 24,
        barCompleteChar: '█',
        barIncompleteChar: '░',
      });
      bar.start(1, 0, { title: oneLine(title), left: '', text: '' });
    },
    update: (fraction, text = '') => bar?.update(fraction, { left: timeLeft(began, fraction), text: oneLine(text) }),
    end(line) {
      stop();
      remark(line);
    },
    stop,
  };
}

function lineProgress(): Progress {
  let title = '';
  let began = 0;
  let reported = 0;
  return {
    start(name) {
      title = oneLine(name);
      began = reported = performance.now();
    },
    update(fraction, text = '') {
      if (performance.now() - reported < LINE_INTERVAL) return;
      reported = performance.now();
      remark(
        [title, `${Math.floor(fraction * 100)} %`, timeLeft(began, fraction), oneLine(text)].filter(Boolean).join('  '),
      );
    },
    end: remark,
    stop: () => {},
  };
}

/** The time left by extrapolation; empty in the first second or percent. */
function timeLeft(began: number, fraction: number): string {
  const spent = performance.now() - began;
  return spent < 1000 || fraction < 0.01 ? '' : `${timeInWords((spent * (1 - fraction)) / fraction)} left`;
}
