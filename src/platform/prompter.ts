/** Asks a person. Every question throws INTERRUPTED when the answer is Ctrl-C, Ctrl-D or a closed terminal. */
export interface Prompter {
  /** Text for the person, on the terminal, a line each. */
  say(text: string): void;
  text(question: Question): Promise<string>;
  /** Nothing of the answer is shown. */
  secret(question: Question): Promise<string>;
  /** @param initial where the pointer starts; at the first choice when absent */
  choose<T extends string>(message: string, choices: readonly Choice<T>[], initial?: T): Promise<T>;
  confirm(message: string, initial: boolean): Promise<boolean>;
  /** Waits until no other mesa asks on this terminal. From then on it is ours, and nothing that is typed is shown. */
  takeTurn(): Promise<void>;
  /** What became of a `checking` answer; nothing when there is none. */
  settle(accepted: boolean): void;
  /** Gives the terminal back as it was. A later question takes it again. */
  release(): Promise<void>;
}

export interface Question {
  readonly message: string;
  /** Gives what is wrong with an answer, or undefined when it will do. */
  readonly check?: (answer: string) => string | undefined;
  /** A refused answer is forgotten: it is easier typed anew than mended. */
  readonly clearRefused?: boolean;
  /** Of a secret: it is accepted later, by `settle`; until then the terminal shows this, as `opening the vault`. */
  readonly checking?: string;
  /** The question disappears from the screen once it is answered. */
  readonly clearAfter?: boolean;
}

export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly description: string;
}
