# The npm packages, and with them Node 26 (the npm package `node`), whatever Node this machine has.

# npm writes node_modules/.package-lock.json last, so a lock file newer than that has not been installed yet.
npm_complete() {
  [ -x node_modules/.bin/node ] && [ -x node_modules/.bin/vitest ] &&
    [ -e node_modules/.package-lock.json ] &&
    ! [ package-lock.json -nt node_modules/.package-lock.json ]
}

npm_install() {
  command -v npm >/dev/null || fail "npm is missing: install Node 20 or newer with npm 10 or newer"
  say "npm packages"
  logged npm ci --no-audit --no-fund
  # The package fetches the binary for this platform in an install script, which npm may be told not to run.
  if ! node26_runs; then
    (cd node_modules/node && logged node installArchSpecificPackage.js)
    node26_runs || fail "Node 26 does not run here: $(node_modules/.bin/node --version 2>&1 | head -n 1)"
  fi
  # An unchanged tree keeps its old date, and would be installed again and again.
  touch node_modules/.package-lock.json
}

node26_runs() {
  [[ $(node_modules/.bin/node --version 2>>"$log") = v26.* ]]
}
