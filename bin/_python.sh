# Sourced by bin/start and bin/test. `run_python FILE ARGUMENTS...`: under Python 3.11, looked for here because an older
# one cannot even read our files.
run_python() {
  found=""
  for python in python3.11 python3 python; do
    command -v "$python" >/dev/null 2>&1 || continue
    if "$python" -E -S -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
      exec "$python" "$@"
    fi
    version=$("$python" -E -S -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) &&
      found=${found:-" and this machine's $python is $version"}
  done
  echo "error: SeatSync needs Python 3.11${found:-" and no python3 was found"}. Install python3.11 and start again." >&2
  exit 1
}
