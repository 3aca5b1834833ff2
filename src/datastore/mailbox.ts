/** A queue between callbacks that tell something and the one loop that takes it in order. */

export interface Mailbox<T> {
  put(item: T): void;
  /**
   * The next item, in the order in which they were put; waits for one.
   * @throws the signal's reason when it aborts first
   */
  take(signal: AbortSignal): Promise<T>;
}

export function createMailbox<T>(): Mailbox<T> {
  let items: T[] = [];
  let taken = 0;
  let wake: (() => void) | undefined;
  return {
    put(item) {
      items.push(item);
      wake?.();
    },
    async take(signal) {
      for (;;) {
        signal.throwIfAborted();
        if (taken < items.length) {
          const [item] = items.slice(taken, taken + 1);
          taken += 1;
          // Dropping what was taken in one go keeps a long queue linear.
          if (taken > 1024 || taken === items.length) {
            items = items.slice(taken);
            taken = 0;
          }
          if (item !== undefined) return item;
          continue;
        }
        await new Promise<void>((resolve) => {
          const go = (): void => {
            signal.removeEventListener('abort', go);
            wake = undefined;
            resolve();
          };
          wake = go;
          signal.addEventListener('abort', go);
        });
      }
    },
  };
}
