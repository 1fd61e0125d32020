# Compiles program and control against the class path of one version: both at once where that works, and where not, what of the
# two it says nothing about alone. What the compiler says comes out as keys, the same in every language.
mkdir -p /box/out/program /box/out/control
compile() {
  /runtime/jdk/bin/javac -J-XX:+UseSerialGC -J-XX:TieredStopAtLevel=1 -J-Xshare:auto -J-XX:-UsePerfData -J-Djava.io.tmpdir=/tmp \
    -XDrawDiagnostics -proc:none -implicit:none -nowarn -Xlint:none -encoding UTF-8 -g -Xmaxerrs 1000 \
    -cp "$CLASS_PATH" -d "$@"
}
alone() {
  if grep "^$2\.java:[0-9]*:[0-9]*: compiler\.err" /box/out/log >"/box/out/$1.log"; then return; fi
  compile "/box/out/$1" "/box/src/$1/$2.java" >"/box/out/$1.log" 2>&1
}
: >/box/out/log
if [ "$PROGRAM" != "$CONTROL" ] &&
  compile /box/out/program "/box/src/program/$PROGRAM.java" "/box/src/control/$CONTROL.java" >/box/out/log 2>&1; then
  cp -r /box/out/program/. /box/out/control/
else
  rm -rf /box/out/program /box/out/control
  mkdir -p /box/out/program /box/out/control
  alone program "$PROGRAM"
  alone control "$CONTROL"
fi
exit 0
