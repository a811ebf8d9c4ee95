# Completion of liminal for fish. fish quotes what it puts in; nothing here is
# ever evaluated.
function __liminal_complete
    set -l before (commandline -opc)
    set -l word (string unescape -- (commandline -ct))
    set -l program liminal
    # Who types a path means that program.
    string match -q '*/*' -- $before[1]; and set program $before[1]
    set -e before[1]
    set -l lines (command $program complete --for=fish --word="$word" -- $before 2>/dev/null)
    set -l kind "$lines[1]"
    set -e lines[1]
    if string match -q 'files*' -- "$kind"
        set -l head (string replace 'files ' '' -- "$kind")
        for path in (__fish_complete_path (string sub -s (math (string length -- "$head") + 1) -- "$word"))
            echo -- $head$path
        end
        return
    end
    string join \n -- $lines
end
complete -c liminal -f -a '(__liminal_complete)'
