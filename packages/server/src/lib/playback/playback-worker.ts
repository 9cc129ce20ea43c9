import { constants, setPriority } from "node:os";
import { toError } from "../kernel/errors.ts";
import { type PlaybackTask, runPlaybackTask } from "./playback-task.ts";

// Who listens can wait, frames and their acknowledgements cannot. Only on Linux a thread has a priority of its own.
if (process.platform === "linux") setPriority(constants.priority.PRIORITY_LOW);

/**
 * Entry of the threads. An error is told as a text: one that crosses between threads by itself loses its code. Without a
 * task it does nothing, but a thread has started.
 */
export default (task: PlaybackTask | null) => {
  try {
    return { results: task === null ? [] : runPlaybackTask(task) };
  } catch (thrown) {
    return { message: toError(thrown).message };
  }
};
