# As upstream's CMake files have it, without CMake: the library alone.
mkdir -p "$OUT/include/yajl"
cp src/api/*.h "$OUT/include/yajl/"
sed -e 's/${YAJL_MAJOR}/2/; s/${YAJL_MINOR}/1/; s/${YAJL_MICRO}/0/' src/api/yajl_version.h.cmake > "$OUT/include/yajl/yajl_version.h"
for file in src/*.c; do
  $CC $CFLAGS -DNDEBUG -I"$OUT/include" -c "$file" -o "$(basename "$file" .c).o"
done
ar rcs "$OUT/libyajl.a" yajl*.o
