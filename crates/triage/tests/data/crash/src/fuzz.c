#include <stdint.h>
#include <stdlib.h>
#include <string.h>
volatile unsigned spin;
char *volatile held;
__attribute__((noinline)) void chunk_skip(const uint8_t *data) { while (data[0] == 'T') spin++; }
__attribute__((noinline)) void table_grow(void) { for (;;) { held = malloc(1 << 20); memset(held, 1, 1 << 20); } }
__attribute__((noinline)) int tag_read(const uint8_t *data, size_t size) { return data[size]; }
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size && data[0] == 'T') chunk_skip(data);
  if (size && data[0] == 'M') table_grow();
  if (size && data[0] == 'R') spin = tag_read(data, size);
  if (size && data[0] == 'X') exit(3);
  if (size && data[0] == 'A') abort();
  return 0;
}
