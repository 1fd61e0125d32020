# Compiles the changed sources of an artefact against the artefact itself and what it needs. What is no source goes along as it is.
mkdir -p /box/out/classes
find /box/src -type f -name '*.java' ! -name module-info.java -exec \
  /runtime/jdk/bin/javac -J-XX:+UseSerialGC -J-XX:TieredStopAtLevel=1 -J-Xshare:auto -J-XX:-UsePerfData -J-Djava.io.tmpdir=/tmp \
    -XDrawDiagnostics -proc:none -implicit:none -nowarn -Xlint:none -encoding "$ENCODING" -g \
    -cp "$CLASS_PATH" -d /box/out/classes {} + >/box/out/log 2>&1 && : >/box/out/compiled
if [ -d /box/plain ]; then cp -r /box/plain/. /box/out/classes/; fi
exit 0
