# Upstream's own way, for the one program.
./configure --quiet --disable-dependency-tracking --disable-xattr CC="$CC" CFLAGS="$CFLAGS" LDFLAGS="$LDFLAGS"
make -s -j2 -C lib && make -s -j2 -C src patch
cp src/patch "$OUT/patch"
