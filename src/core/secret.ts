/**
 * A text that nobody may see. Every way of printing it gives `[secret]`, so a secret that ends up
 * in a log line, an error or a dump by mistake does no harm. Only adapters call `reveal`.
 */
export const secretMark = '[secret]';

export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself. What is done with it must not be printed, stored or put into an error. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return secretMark;
  }

  toJSON(): string {
    return secretMark;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return secretMark;
  }
}
