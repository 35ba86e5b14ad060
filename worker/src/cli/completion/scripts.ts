import { COMPLETE } from "../../../contract/completion.ts";

/** Bash 3.2 and newer, without the package bash-completion. What was typed is never evaluated. */
const BASH = `# Completion of taskfleet and peagen for bash.
_taskfleet() {
  local program=\${1/#\\~/$HOME} words=() n=0 i token joins= value rest
  # Bash takes words apart at = and : too.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    token=\${COMP_WORDS[i]}
    if ((n > 0)) && [[ -n $joins || $token == [=:]* ]]; then
      words[n - 1]=\${words[n - 1]}$token
    else
      words[n]=$token
      n=$((n + 1))
    fi
    joins=
    [[ $token != *[=:] ]] || joins=yes
  done
  # Only what stands behind the last of them is replaced.
  local word=\${words[n - 1]}
  local before=\${word%"\${word##*[=:]}"}
  COMPREPLY=()
  while IFS=$'\\t' read -r value rest; do
    case $value in
      :files) compopt -o default 2>/dev/null ;;
      :folders) compopt -o dirnames 2>/dev/null ;;
      *) COMPREPLY+=("\${value#"$before"}") ;;
    esac
  done < <("$program" ${COMPLETE} -- "\${words[@]}" 2>/dev/null)
}
complete -F _taskfleet taskfleet peagen
`;

const ZSH = `#compdef taskfleet peagen
# Completion of taskfleet and peagen for zsh.
_taskfleet() {
  local program=\${\${(Q)words[1]}/#\\~/$HOME} line
  local -a suggestions
  for line in "\${(@f)$("$program" ${COMPLETE} -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      '') ;;
      :files) _files ;;
      :folders) _files -/ ;;
      *) suggestions+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  (( \${#suggestions} == 0 )) || _describe taskfleet suggestions
}
if [ "\${funcstack[1]}" = _taskfleet ]; then
  _taskfleet "$@"
else
  (( \${+functions[compdef]} )) || { autoload -Uz compinit && compinit }
  compdef _taskfleet taskfleet peagen
fi
`;

const FISH = `# Completion of taskfleet and peagen for fish.
function __taskfleet_complete
    set -l words (commandline -opc)
    set -l begun (commandline -ct)
    for line in ($words[1] ${COMPLETE} -- $words[2..] "$begun" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$begun"
            case :folders
                __fish_complete_directories "$begun" ''
            case '*'
                echo $line
        end
    end
end
complete -c taskfleet -f -a '(__taskfleet_complete)'
complete -c peagen -f -a '(__taskfleet_complete)'
`;

/** The completion script of each shell. It asks the program that is being typed with the words so far. */
export const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;
