#!/usr/bin/env bash
# An installed Ringpull has its man pages and completions where man, bash and zsh look.
# manual.sh MAN_DIRECTORY DATA_DIRECTORY
set -euo pipefail
man=$1 data=$2

for page in ringpull ringpull-get ringpull-sandbox; do
  shown=$(groff -man -Tascii -P-c "$man/man1/$page.1")
  [[ "$shown" == *"$page - "* ]] || { echo "$page.1 shows: $shown"; exit 1; }
done

# bash-completion loads a file of the command's name.
bash --norc -c "source '$data/bash-completion/completions/ringpull'; complete -p ringpull"

# zsh's compinit reads the first line of every file that begins with an underscore.
# shellcheck disable=SC2016
loaded=$(zsh -f -c 'fpath=($1 $fpath); autoload -Uz compinit; compinit -D -u; print -r -- $_comps[ringpull]' \
  - "$data/zsh/site-functions")
[[ "$loaded" == _ringpull ]] || { echo "zsh has loaded: $loaded"; exit 1; }
