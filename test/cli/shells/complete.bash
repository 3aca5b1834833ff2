# What bash offers for each argument, a line each: its function is called as bash calls it at the tab key.
set -u
source <(calico-rr completion bash)
[[ $(complete -p calico-rr) == "complete -F _calico_rr calico-rr" ]] || exit 9
for COMP_LINE in "$@"; do
  COMP_POINT=${#COMP_LINE}
  _calico_rr
  echo "${COMPREPLY[*]}"
done
