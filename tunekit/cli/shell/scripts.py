"""What a shell is told once so that it asks `tunekit` for completions.

The command answers with lines of `kind<TAB>value<TAB>help`; the kinds are those of `tunekit.cli.shell.answer`.
"""

from __future__ import annotations

BASH = r"""_tunekit_completion() {
    local kind value help
    COMPREPLY=()
    while IFS=$'\t' read -r kind value help; do
        case "$kind" in
            file) compopt -o default 2>/dev/null; return ;;
            dir) compopt -o dirnames 2>/dev/null; return ;;
            path) compopt -o filenames 2>/dev/null ;;
            open) compopt -o nospace 2>/dev/null ;;
        esac
        COMPREPLY+=("$value")
    done < <(_TUNEKIT_COMPLETE=bash _TUNEKIT_WORDS="${COMP_LINE:0:$COMP_POINT}" \
        _TUNEKIT_BREAKS="$COMP_WORDBREAKS" "$1" 2>/dev/null)
}
complete -o nosort -F _tunekit_completion tunekit 2>/dev/null || complete -F _tunekit_completion tunekit
"""

ZSH = r"""#compdef tunekit
_tunekit() {
    local kind value help
    local -a closed opened closed_help opened_help
    (( $+commands[tunekit] )) || return 1
    while IFS=$'\t' read -r kind value help; do
        case "$kind" in
            file) _files; return ;;
            dir) _files -/; return ;;
            open) opened+=("$value"); opened_help+=("${value}${help:+  -- $help}") ;;
            path) [[ "$value" == */ ]] && { opened+=("$value"); opened_help+=("$value") } || {
                closed+=("$value"); closed_help+=("$value") } ;;
            *) closed+=("$value"); closed_help+=("${value}${help:+  -- $help}") ;;
        esac
    done < <(_TUNEKIT_COMPLETE=zsh _TUNEKIT_WORDS="${(pj:\n:)words[1,CURRENT-1]}"$'\n'"$PREFIX" tunekit 2>/dev/null)
    (( $#closed )) && compadd -l -V tunekit -d closed_help -a closed
    (( $#opened )) && compadd -l -V tunekit -S '' -d opened_help -a opened
    (( $#closed + $#opened ))
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _tunekit "$@"
else
    compdef _tunekit tunekit
fi
"""

FISH = r"""function _tunekit_completion
    set -l words (commandline -opc) (commandline -ct)
    set -lx _TUNEKIT_COMPLETE fish
    set -lx _TUNEKIT_WORDS (string join \n -- $words | string collect)
    for line in (tunekit 2>/dev/null)
        set -l parts (string split \t -- $line)
        switch $parts[1]
            case file
                __fish_complete_path (commandline -ct)
            case dir
                __fish_complete_directories (commandline -ct)
            case '*'
                printf '%s\t%s\n' $parts[2] "$parts[3]"
        end
    end
end
complete --no-files --command tunekit --arguments '(_tunekit_completion)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
