# Completion of liminal for bash 3.2 and later.
# The program gives each candidate quoted for the line it goes into; nothing here
# is ever evaluated.
_liminal() {
    local program=liminal kind line
    # Who types a path means that program.
    [[ $1 == */* ]] && program=${1/#\~\//$HOME/}
    COMPREPLY=()
    {
        IFS= read -r kind || return 0
        while IFS= read -r line; do
            COMPREPLY[${#COMPREPLY[@]}]=$line
        done
    } < <(command "$program" complete --for=bash --breaks="$COMP_WORDBREAKS" \
        --line="${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    if [[ $kind == files* ]]; then
        # bash 3.2 has no compopt
        compopt -o default 2>/dev/null || {
            while IFS= read -r line; do
                printf -v line %q "$line"
                COMPREPLY[${#COMPREPLY[@]}]=$line
            done < <(compgen -f -- "$2")
        }
    fi
}
complete -F _liminal liminal
