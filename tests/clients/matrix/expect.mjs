// What a scenario expects, checked in Node and in a browser alike.

/** Fails unless both are the same, all the way down. */
export function same(actual, expected, what = 'the value') {
  if (!equal(actual, expected)) {
    throw new Error(`${what}: expected ${spell(expected)}, got ${spell(actual)}`);
  }
}

/** Fails if both are the same. */
export function different(actual, other, what = 'the value') {
  if (equal(actual, other)) {
    throw new Error(`${what}: expected anything but ${spell(other)}`);
  }
}

/** Fails unless this holds. */
export function holds(condition, what) {
  if (!condition) {
    throw new Error(`it does not hold that ${what}`);
  }
}

function equal(one, other) {
  if (Object.is(one, other)) {
    return true;
  }
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) {
    return false;
  }
  const kinds = [Array, Uint8Array];
  if (kinds.some((kind) => one instanceof kind !== other instanceof kind)) {
    return false;
  }
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && equal(one[key], other[key]))
  );
}

/** As JSON, and no longer than a person wants to read. */
function spell(value) {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 400 ? `${text.slice(0, 400)}… (${text.length} characters)` : text;
}
