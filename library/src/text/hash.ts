/**
 * MurmurHash3 (x86, 32 bits) of a text's UTF-8 bytes: the same number on every machine and engine.
 * Not for secrets. Source: Austin Appleby's public-domain definition, MurmurHash3_x86_32.
 *
 * @param text any string; a lone surrogate counts as U+FFFD
 * @param seed 32-bit integer; other seeds give independent hash functions
 * @returns unsigned 32-bit integer
 */
export function hash32(text: string, seed = 0): number {
  const length = encode(text);
  let hash = seed | 0;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    const block = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    hash ^= scramble(block);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let left = length - 1; left >= at; left--) tail = (tail << 8) | bytes[left];
  hash ^= scramble(tail) ^ length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const scramble = (block: number): number => {
  const product = Math.imul(block, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
};

// One buffer for all calls: hashing words is the inner loop of feature hashing.
const encoder = new TextEncoder();
let bytes = new Uint8Array(256);

function encode(text: string): number {
  if (text.length * 3 > bytes.length) bytes = new Uint8Array(text.length * 6);
  // Words are nearly always ASCII, where copying codes is many times faster than the encoder.
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return encoder.encodeInto(text, bytes).written;
    bytes[i] = code;
  }
  return text.length;
}
