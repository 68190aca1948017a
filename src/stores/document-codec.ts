/** How a document's text lies on disk. The plaintext backend keeps the text itself, the vault an age file. */
export interface DocumentCodec {
  /** @throws when the bytes cannot be decoded; see SecretStore */
  decode(file: Uint8Array): Promise<string>;

  /**
   * Announces that a document will be written in place of `current`, so that what takes time can begin while
   * `current` is still being decoded.
   * @param current the bytes on disk, undefined when there are none
   * @param decoding whether `current` is about to be decoded
   */
  prepareEncode(current: Uint8Array | undefined, decoding: boolean): EncodeDocument;
}

/** Called at most once. */
export type EncodeDocument = (text: string) => Promise<Uint8Array>;
