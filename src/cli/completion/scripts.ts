/**
 * What each shell is told: to ask the program itself (`PROGRAM __complete -- WORDS...`), whose answer is one candidate a
 * line, with a note after a tab, or `:files` for the shell's own completion of files.
 */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** @param program as it is typed: `calico-rr` or `calicoctl` */
export function completionScript(shell: Shell, program: string): string {
  const name = `_${program.replaceAll(/\W/g, '_')}`;
  switch (shell) {
    case 'bash':
      return bash(program, name);
    case 'zsh':
      return zsh(program, name);
    case 'fish':
      return fish(program, name);
    default:
      return shell satisfies never;
  }
}

/** bash cuts words at `:` and `=` too; what stands before the last of them must not be in its answer. */
function bash(program: string, name: string): string {
  return `# Completion of ${program} for bash. In ~/.bashrc: source <(${program} completion bash)
${name}() {
  local line=\${COMP_LINE:0:COMP_POINT} IFS=$' \\t\\n' candidate current head
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  current=\${words[\${#words[@]} - 1]}
  head=\${current%"\${current##*[:=]}"}
  COMPREPLY=()
  while IFS=$'\\t' read -r candidate _; do
    if [[ $candidate == :files ]]; then
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
    fi
    [[ $candidate == *[=.] ]] && compopt -o nospace 2>/dev/null
    COMPREPLY+=("\${candidate#"$head"}")
  done < <("\${words[0]/#\\~/$HOME}" __complete -- "\${words[@]:1}" 2>/dev/null)
}
complete -F ${name} ${program}
`;
}

function zsh(program: string, name: string): string {
  return `#compdef ${program}
# Completion of ${program} for zsh. In ~/.zshrc, after compinit: source <(${program} completion zsh)
${name}() {
  local line candidate
  local -a candidates open
  for line in "\${(@f)$("\${words[1]/#\\~/$HOME}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      ('') ;;
      (:files) _files; return ;;
      (*)
        candidate=\${line%%$'\\t'*}
        if [[ $candidate == *[=.] ]]; then
          open+=("$candidate")
        elif [[ $line == *$'\\t'* ]]; then
          candidates+=("\${candidate//:/\\\\:}:\${line#*$'\\t'}")
        else
          candidates+=("\${candidate//:/\\\\:}")
        fi ;;
    esac
  done
  (( \${#open} )) && compadd -S '' -- $open
  (( \${#candidates} )) && _describe '${program}' candidates
}
compdef ${name} ${program}
`;
}

function fish(program: string, name: string): string {
  return `# Completion of ${program} for fish. In ~/.config/fish/config.fish: ${program} completion fish | source
function _${name}
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (command $words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
        if test "$line" = :files
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end
complete -c ${program} -f -a '(_${name})'
`;
}
