#!/usr/bin/env bash
# Sets up what the tests need on Debian: packages, the Python environment of the
# application, Apache Kafka, the modules that drive Chromium. What is there already is left alone. What cannot be had is
# told and skipped, and the tests that need it say so; with CI=true it is a failure.
#
# usage: e2e/setup.sh [packages] [python] [kafka] [browser]    (all by default)
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

# A program, and the Debian package that has it. The services that Debian may start for
# Prometheus and Alertmanager are not used: tests start their own, on their own ports.
programs="gcc:gcc ip:iproute2 java:default-jre-headless mvn:maven
  prometheus:prometheus promtool:prometheus prometheus-alertmanager:prometheus-alertmanager tshark:tshark tcpreplay:tcpreplay
  chromium:chromium node:nodejs npm:npm"

say() { printf '   %s\n' "$*"; }

# missing says what could not be set up; in CI that ends the run.
missing() {
  say "not set up: $*" >&2
  [ "${CI:-}" != true ] || exit 1
}

packages() {
  local wanted=() entry
  for entry in $programs; do
    command -v "${entry%%:*}" >/dev/null || wanted+=("${entry#*:}")
  done
  python3 -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3-venv)
  [ -e /usr/include/stdlib.h ] || wanted+=(libc6-dev) # for the race detector, which needs cgo
  if [ ${#wanted[@]} -eq 0 ]; then
    return
  fi
  say "installing ${wanted[*]}"
  install_packages "${wanted[@]}" >.tools/apt.log 2>&1 || {
    tail -n 5 .tools/apt.log >&2
    missing "packages ${wanted[*]} (see .tools/apt.log)"
  }
}

install_packages() {
  local sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo -n)
  command -v apt-get >/dev/null || { echo "there is no apt-get here" >&2; return 1; }
  "${sudo[@]}" apt-get update -q || return 1
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

python() {
  local env=.tools/venv
  if cmp -s e2e/app/requirements.txt "$env/requirements.txt"; then
    return
  fi
  say "making the Python environment of the application"
  rm -rf "$env"
  if python3 -m venv "$env" && "$env/bin/pip" install -q --disable-pip-version-check -r e2e/app/requirements.txt; then
    cp e2e/app/requirements.txt "$env/requirements.txt"
  else
    rm -rf "$env"
    missing "the Python environment"
  fi
}

kafka() {
  local jars=.tools/kafka
  if cmp -s e2e/kafka/pom.xml "$jars/pom.xml"; then
    return
  fi
  say "fetching Apache Kafka"
  rm -rf "$jars"
  if mvn -B -q -f e2e/kafka/pom.xml dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$PWD/$jars" >.tools/maven.log 2>&1; then
    cp e2e/kafka/pom.xml "$jars/pom.xml"
  else
    tail -n 5 .tools/maven.log >&2
    rm -rf "$jars"
    missing "Apache Kafka (see .tools/maven.log)"
  fi
}

browser() {
  local dir=.tools/browser
  if cmp -s e2e/browser/package-lock.json "$dir/package-lock.json" && [ -d "$dir/node_modules" ]; then
    return
  fi
  say "fetching playwright-core and axe-core"
  mkdir -p "$dir"
  cp e2e/browser/package.json e2e/browser/package-lock.json "$dir"
  npm ci --prefix "$dir" --no-audit --no-fund --silent >.tools/npm.log 2>&1 || {
    tail -n 5 .tools/npm.log >&2
    rm -rf "$dir"
    missing "playwright-core and axe-core (see .tools/npm.log)"
  }
}

mkdir -p .tools
[ $# -gt 0 ] || set -- packages python kafka browser
for step in "$@"; do
  case $step in
    packages | python | kafka | browser) "$step" ;;
    *) echo "setup.sh: there is no step $step" >&2; exit 2 ;;
  esac
done
