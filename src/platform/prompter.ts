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
}

export interface Question {
  readonly message: string;
  /** Gives what is wrong with an answer, or undefined when it will do. */
  readonly check?: (answer: string) => string | undefined;
  /** A refused answer is forgotten: it is easier typed anew than mended. */
  readonly clearRefused?: boolean;
  /** The question disappears from the screen once it is answered. */
  readonly clearAfter?: boolean;
}

export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly description: string;
}
