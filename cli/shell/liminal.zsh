#compdef liminal
# Completion of liminal for zsh. compadd quotes what it puts in; nothing here is
# ever evaluated.
_liminal() {
    local program=liminal reply kind entry value about
    local -a lines values shows
    # Who types a path means that program.
    [[ $words[1] == */* ]] && program=${${(Q)words[1]}/#\~\//$HOME/}
    lines=("${(@f)$(command $program complete --for=zsh --word="${(Q)PREFIX}" -- "${(@Q)words[2,CURRENT-1]}" 2>/dev/null)}")
    kind=$lines[1]
    if [[ $kind == files* ]]; then
        [[ -n ${kind#'files '} ]] && compset -P '*='
        _files
        return
    fi
    for entry in "${(@)lines[2,-1]}"; do
        value=${entry%%$'\t'*}
        about=${entry#*$'\t'}
        [[ -n $value ]] || continue
        values+=("$value")
        shows+=("$value${about:+  -- $about}")
    done
    (( $#values )) || return 1
    compadd -l -d shows -a -- values
}
if [[ $funcstack[1] == _liminal ]]; then
    _liminal "$@" # run by the completion system, which found this file
else
    compdef _liminal liminal
fi
