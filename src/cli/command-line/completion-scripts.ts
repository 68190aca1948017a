/** The hidden command that the scripts ask. Its name is in files of users: it stays. */
const COMPLETE_COMMAND = '__complete';

/** What the hidden command prints when the names of files are wanted, which the shell knows best. */
export const FILES = ':files';

/**
 * The scripts know no command and no flag: they give the words of the line to the hidden command, on its standard
 * input because a word may be a key, and offer what it prints. So they never go stale. No word is ever evaluated.
 */
export const COMPLETION_SCRIPTS = {
  // Runs on the bash 3.2 of macOS, too: no mapfile, and compopt may be missing.
  bash: `# Completion of mesa for bash. In ~/.bashrc: eval "$(mesa completion bash)"
_mesa() {
  local word name cur prefix
  local -a words
  words=()
  COMPREPLY=()
  command -v mesa >/dev/null 2>&1 || return 0
  for word in "\${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    word=\${word//[\\"\\'\\\\]/}
    # --org=acme comes in three words, unless somebody took = out of COMP_WORDBREAKS.
    if [[ \${#words[@]} -gt 0 && ( $word == = || \${words[\${#words[@]}-1]} == --*= ) ]]; then
      words[\${#words[@]}-1]+=$word
    else
      words+=("$word")
    fi
  done
  cur=\${words[\${#words[@]}-1]}
  prefix=
  if [[ $cur == --*=* && $COMP_WORDBREAKS == *=* ]]; then
    prefix=\${cur%%=*}=
  fi
  while IFS=$'\\t' read -r name _; do
    if [[ $name == ${FILES} ]]; then
      compopt -o default 2>/dev/null && break
      while IFS= read -r name; do
        COMPREPLY+=("$name")
      done < <(compgen -f -- "\${cur#"$prefix"}")
      break
    fi
    if [[ $name == "$cur"* ]]; then
      COMPREPLY+=("\${name#"$prefix"}")
    fi
  done < <(printf '%s\\n' "\${words[@]}" | command mesa ${COMPLETE_COMMAND} 2>/dev/null)
  return 0
}
complete -F _mesa mesa
`,
  zsh: `#compdef mesa
# Completion of mesa for zsh. In ~/.zshrc, below compinit: eval "$(mesa completion zsh)"
_mesa() {
  local name description
  local -a candidates
  (( $+commands[mesa] )) || return 1
  while IFS=$'\\t' read -r name description; do
    if [[ $name == ${FILES} ]]; then
      compset -P '--*='
      _files
      return
    fi
    name=\${name//:/\\\\:}
    candidates+=("$name\${description:+:$description}")
  done < <(print -rl -- "\${(@Q)words[1,CURRENT-1]}" "\${(Q)PREFIX}" | command mesa ${COMPLETE_COMMAND} 2>/dev/null)
  _describe -V mesa candidates
}
# As a file on fpath this is the function itself; evaluated, it only makes it known.
if [[ \${funcstack[1]-} == _mesa ]]; then
  _mesa "$@"
elif (( $+functions[compdef] )); then
  compdef _mesa mesa
else
  print -u2 'mesa: completion needs compinit first: autoload -Uz compinit && compinit'
fi
`,
  fish: `# Completion of mesa for fish. In ~/.config/fish/config.fish: mesa completion fish | source
function __mesa_complete
    command -q mesa; or return
    set -l current (commandline -ct | string collect)
    set -l words (commandline -opc) "$current"
    set -l candidates (printf '%s\\n' $words | command mesa ${COMPLETE_COMMAND} 2>/dev/null)
    set -q candidates[1]; or return
    if test "$candidates[1]" = ${FILES}
        set -l flag (string match -r -- '^--[^=]*=' "$current")
        for path in (__fish_complete_path (string replace -r -- '^--[^=]*=' '' "$current"))
            printf '%s\\n' "$flag$path"
        end
    else
        printf '%s\\n' $candidates
    end
end
complete -c mesa -f -a '(__mesa_complete)'
`,
} as const;
