# Compiles what most programs need of the standard library, and the tool that makes modules inert.
set -u
mkdir -p /box/out /box/tmp
cd /box/src || exit 1
go build -o /box/out/inert ./inert && go build -o /dev/null ./all
