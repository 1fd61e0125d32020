#!/bin/sh
# Makes the samples beside this file anew from the programs under src: `crates/triage/tests/data/crash/make.sh`. Wants gcc, g++,
# clang, gdb, go, rustc, java, python3 and node; skips what is not there. Addresses and process ids differ from run to run, so the
# expected values under expected must be looked at again afterwards. Folders of this machine are taken out.
set -u
here=$(cd "$(dirname "$0")" && pwd)
src=$here/src
out=$here
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
cd "$box" || exit 1
cp "$src"/* .
clang=$(command -v clang || command -v clang-14 || true)
export ASAN_OPTIONS=detect_leaks=0 LC_ALL=C RUST_BACKTRACE=0
symbolizer=$(command -v llvm-symbolizer || command -v llvm-symbolizer-14 || true)
export ASAN_SYMBOLIZER_PATH="$symbolizer" MSAN_SYMBOLIZER_PATH="$symbolizer"
real=$(pwd -P)
runtime=$(python3 -c 'import sys; print(sys.base_prefix)')

# keep NAME COMMAND...: what the command prints, both streams, at most 200 lines, without this machine's folders.
keep() {
    name=$1
    shift
    timeout 60 "$@" >"$box/said" 2>&1 </dev/null
    sed -e "s#$real#/src/demo#g; s#$box#/src/demo#g; s#$runtime/lib#/usr/lib#g; s#$HOME/#/src/#g" "$box/said" | head -n 200 >"$out/$name.txt"
}

gcc -g -O1 -fno-omit-frame-pointer -fsanitize=address native.c -o native_asan 2>/dev/null
for kind in heap-read stack-overflow stack-write global-read double-free bad-free null-read wild-write \
    noncanonical-read overlap huge range-read; do
    keep "asan-$kind" ./native_asan $kind
done
gcc -O1 -fsanitize=address native.c -s -o native_stripped 2>/dev/null
keep asan-stripped ./native_stripped heap-read
keep lsan-leak env ASAN_OPTIONS=detect_leaks=1 ./native_asan leak
g++ -g -O1 -std=c++17 -fno-omit-frame-pointer -fsanitize=address native.cc -o native_asan_cc
for kind in template-read freed-read lambda throw; do keep "asan-cc-$kind" ./native_asan_cc $kind; done
g++ -g -std=c++17 -fsanitize=undefined,float-cast-overflow native.cc -o native_ubsan_cc
for kind in ub-add ub-shift ub-divide ub-index ub-cast ub-float ub-null ub-aligned ub-bool ub-vla; do
    keep "ubsan-${kind#ub-}" env UBSAN_OPTIONS=print_stacktrace=1 ./native_ubsan_cc $kind
done
keep ubsan-add-bare ./native_ubsan_cc ub-add
gcc -g -fsanitize=thread race.c -o race_tsan && keep tsan-race ./race_tsan
gcc -g -O1 -D_FORTIFY_SOURCE=0 -fstack-protector-all native.c -o native_plain 2>/dev/null
for kind in double-free stack-write assert bad-free; do keep "glibc-$kind" ./native_plain $kind; done
keep gdb-null-read gdb -q -batch -ex run -ex bt --args ./native_plain null-read
keep gdb-abort gdb -q -batch -ex run -ex bt --args ./native_plain double-free
g++ -g -O1 native.cc -o native_plain_cc && keep glibc-throw ./native_plain_cc throw
keep shell-segv sh -c './native_plain null-read; true'
if [ -n "$clang" ]; then
    "$clang" -g -O1 -fno-omit-frame-pointer -fsanitize=memory native.c -o native_msan 2>/dev/null && keep msan-uninit ./native_msan uninit
    "$clang" -g -O1 -fno-omit-frame-pointer -fsanitize=address native.c -o native_clang 2>/dev/null
    for kind in heap-read heap-free-write divide abort trap assert; do
        keep "asan-clang-$kind" env ASAN_OPTIONS=detect_leaks=0:handle_abort=1:handle_sigill=1 ./native_clang $kind
    done
    "$clang" -g -O1 -fsanitize=fuzzer,address fuzz.c -o fuzz 2>/dev/null
    printf T >T; printf M >M; printf R >R; printf X >X; printf A >A
    keep libfuzzer-timeout ./fuzz -timeout=1 T
    keep libfuzzer-oom ./fuzz -rss_limit_mb=200 M
    keep libfuzzer-read ./fuzz R
    keep libfuzzer-exit ./fuzz X
    keep libfuzzer-abort env ASAN_OPTIONS=handle_abort=0 ./fuzz A
fi
if command -v go >/dev/null; then
    printf 'module example.test/panics\n\ngo 1.21\n' >go.mod
    go build -o panics_go panics.go
    for kind in index nil divide slice generic closure map custom stack deadlock; do keep "go-$kind" ./panics_go $kind; done
    go build -race -o panics_race panics.go && keep go-race ./panics_race race
fi
if command -v rustc >/dev/null; then
    rustc -g --edition 2021 panics.rs -o panics_rs
    for kind in index unwrap add deep assert; do keep "rust-$kind" ./panics_rs $kind; done
    for kind in index closure; do keep "rust-$kind-backtrace" env RUST_BACKTRACE=1 ./panics_rs $kind; done
    keep rust-index-full env RUST_BACKTRACE=full ./panics_rs index
fi
if command -v javac >/dev/null; then
    javac Broken.java
    for kind in index caused lambda stack memory null; do keep "java-$kind" java -Xmx64m -cp . Broken $kind; done
fi
for kind in index caused deep assert fatal; do keep "python-$kind" python3 broken.py $kind; done
if command -v node >/dev/null; then
    for kind in type deep custom promise; do keep "node-$kind" node broken.js $kind; done
    keep node-memory node --max-old-space-size=40 broken.js memory
fi
