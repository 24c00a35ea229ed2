/**
 * What `mbctl completion SHELL` prints. Each script asks the program itself what may
 * come next (completion.ts), so it stays right when verbs change.
 *
 * @module
 */

export const COMPLETION_SHELLS = ["bash", "zsh", "fish"] as const;
export type CompletionShell = (typeof COMPLETION_SHELLS)[number];

/** Needs bash 4.4; the package bash-completion is not needed. */
const BASH = `# bash completion of mbctl; load it with: source <(mbctl completion bash)
_mbctl() {
    local program="\${COMP_WORDS[0]/#\\~/$HOME}" current="\${COMP_WORDS[COMP_CWORD]}" line
    # A word break (COMP_WORDBREAKS) is a word of its own here; the text behind it is what gets completed.
    [[ $current == [:=@]* ]] && current=
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
        :files)
            compopt -o filenames 2>/dev/null
            mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
            ;;
        :directories)
            compopt -o filenames 2>/dev/null
            mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$current")
            ;;
        *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
        esac
    done < <("$program" __complete bash "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
}
complete -F _mbctl mbctl
`;

const ZSH = `#compdef mbctl
# zsh completion of mbctl; put it into a file _mbctl in a directory of $fpath,
# or load it after compinit with: source <(mbctl completion zsh)
_mbctl() {
    local line text says
    local -a texts shown
    while IFS= read -r line; do
        case $line in
        (:files|:directories)
            # What stands before the path in the same word: a flag, or the transport of a local image.
            compset -P 1 '--*='
            compset -P '(oci|oci-archive|dir|docker-archive):'
            if [[ $line == :files ]]; then _files; else _files -/; fi
            ;;
        (*)
            text=\${line%%$'\\t'*} says=\${line#*$'\\t'}
            texts+=("$text")
            shown+=("$text\${says:+  -- $says}")
            ;;
        esac
    done < <("\${words[1]}" __complete zsh -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)
    (( \${#texts} )) && compadd -l -d shown -a texts
}
if [[ \${funcstack[1]:-} == _mbctl ]]; then
    _mbctl "$@"
else
    compdef _mbctl mbctl
fi
`;

const FISH = `# fish completion of mbctl; load it with: mbctl completion fish | source
function __mbctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete fish -- $words[2..-1] $current 2>/dev/null)
        switch $line
            case :files :directories
                # What stands before the path in the same word: a flag, or the transport of a local image.
                set -l before (string match -r -- '^(?:--[a-z-]+=|(?:oci|oci-archive|dir|docker-archive):)' $current)
                set -l path (string sub -s (math 1 + (string length -- "$before")) -- $current)
                set -l complete __fish_complete_path
                test $line = :directories; and set complete __fish_complete_directories
                $complete "$path" | string replace -r -- '^' "$before"
            case '*'
                echo $line
        end
    end
end
complete -c mbctl -f -a '(__mbctl_complete)'
`;

const SCRIPTS: Readonly<Record<CompletionShell, string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
};

/** The script for a shell. */
export function completionScript(shell: CompletionShell): string {
  return SCRIPTS[shell];
}
