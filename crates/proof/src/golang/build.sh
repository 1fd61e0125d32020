# Builds program and control in a build box: each for itself where not both can be built. What `go` says goes to files.
set -u
mkdir -p /box/out /box/cache /box/tmp
if [ -d /cache ]; then cp -rs /cache/. /box/cache/; fi
cd /box/src || exit 1
if [ -n "${INERT:-}" ]; then
  # Without it there is no stub, and the log says why.
  go mod download "$INERT" > /box/out/log 2>&1 || exit 0
  # The replacement stands for the very module: same path, same version, same requirements.
  cp -r "$(go list -m -f '{{.Dir}}' "${INERT%@*}")" /box/inert || exit 1
  chmod -R u+w /box/inert
  cp "$GOMOD_OF_INERT" /box/inert/go.mod
  chmod u+w /box/inert/go.mod
  /tool/inert /box/inert || exit 1
  go mod edit -replace "${INERT%@*}=/box/inert"
fi
go build -o /box/out/ ./program ./control > /box/out/log 2>&1 && exit 0
grep -q '/proxy/' /box/out/log && exit 0
for name in program control; do
  go build -o "/box/out/$name" "./$name" > "/box/out/$name.log" 2>&1 || rm -f "/box/out/$name"
done
exit 0
