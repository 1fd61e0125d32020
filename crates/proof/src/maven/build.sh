# Compiles program and control against the class path of one version. Both at once where that works; each alone where not, so
# that one does not stand for the other. What the compiler says comes out as keys, the same in every language.
mkdir -p /box/out/program /box/out/control
compile() {
  /runtime/jdk/bin/javac -J-XX:+UseSerialGC -J-XX:TieredStopAtLevel=1 -J-Xshare:auto -J-XX:-UsePerfData -J-Djava.io.tmpdir=/tmp \
    -XDrawDiagnostics -proc:none -implicit:none -nowarn -Xlint:none -encoding UTF-8 -g -Xmaxerrs 20 \
    -cp "$CLASS_PATH" -d "$@"
}
if compile /box/out/program "/box/src/program/$PROGRAM.java" "/box/src/control/$CONTROL.java" >/box/out/log 2>&1; then
  cp -r /box/out/program/. /box/out/control/
else
  rm -rf /box/out/program /box/out/control
  mkdir -p /box/out/program /box/out/control
  compile /box/out/program "/box/src/program/$PROGRAM.java" >/box/out/program.log 2>&1
  compile /box/out/control "/box/src/control/$CONTROL.java" >/box/out/control.log 2>&1
fi
exit 0
