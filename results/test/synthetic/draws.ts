// Seeded draws: the same text draws the same figures on every machine.

import { createHash } from 'node:crypto';

/** Draws that depend on nothing but a text. */
export class Draws {
  #state: number;

  constructor(text: string) {
    this.#state = createHash('sha256').update(text).digest().readUInt32LE();
  }

  /** From 0 up, below 1: mulberry32. */
  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Lognormal with median 1. */
  factor(relativeSd: number): number {
    return Math.exp(Math.sqrt(Math.log(1 + relativeSd ** 2)) * this.normal());
  }

  hex(length: number): string {
    return Array.from({ length }, () => Math.floor(this.uniform() * 16).toString(16)).join('');
  }

  uuid(): string {
    return [8, 4, 4, 4, 12].map((length) => this.hex(length)).join('-');
  }
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
