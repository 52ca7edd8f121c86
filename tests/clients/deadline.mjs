// Waiting, but never for ever.

/** How long anything may take before a test fails, in milliseconds. */
export const DEADLINE = 30_000;

/** `promise`, or a failure that says what was waited for. */
export function within(promise, what, deadline = DEADLINE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${deadline} ms`)), deadline);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The error that `promise` must end with. */
export async function rejection(promise, what = 'being refused') {
  return within(
    promise.then(
      (value) => {
        throw new Error(`${what}: went through with ${JSON.stringify(value)}`);
      },
      (error) => error,
    ),
    what,
  );
}
