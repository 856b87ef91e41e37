#!/usr/bin/env bash
# Unit and command-line tests under other Node.js lines than the one that this shell has: `npm run compat [VERSION...]`.
# The runtimes are the builds that the npm registry carries, kept in node_modules/.compat.
set -euo pipefail
cd "$(dirname "$0")/../.."
versions=("$@")
if [ ${#versions[@]} = 0 ]; then versions=(22.23.3 24.21.0); fi
failed=0
for version in "${versions[@]}"; do
  home=node_modules/.compat/$version
  if [ ! -x "$home/node_modules/node/bin/node" ]; then
    npm install --prefix "$home" --no-save --no-audit --no-fund --loglevel=error "node@$version" >/dev/null
  fi
  node=$PWD/$home/node_modules/node/bin/node
  printf '\n[compat] Node.js %s\n' "$("$node" --version)"
  # Tests start the program with their own process's node; what they find on PATH is that one, too.
  PATH="${node%/*}:$PATH" "$node" node_modules/vitest/vitest.mjs run --project 'unit*' --project cli || failed=1
done
exit "$failed"
