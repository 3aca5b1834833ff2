# What fish offers for each argument, a line each.
calico-rr completion fish | source
for line in $argv
    echo (complete -C $line | string replace -r '\t.*' '')
end
