// Programs of our own that break in one way each: `native KIND`. Only their output is test data.
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int table_global[4];
volatile int sink;
char *volatile kept;

__attribute__((noinline)) static int field_read(const int *fields, int at) { return fields[at]; }
__attribute__((noinline)) static void record_write(uint64_t *record) { record[0] = 7; }
__attribute__((noinline)) int packet_parse(int count) {
  int *fields = malloc(4 * sizeof(int));
  memset(fields, 0, 4 * sizeof(int));
  int value = field_read(fields, count);
  free(fields);
  return value;
}
__attribute__((noinline)) void session_close(void) {
  uint64_t *record = malloc(16);
  free(record);
  record_write(record);
}
__attribute__((noinline)) int depth_count(int depth) {
  char page[512];
  memset(page, depth, sizeof page);
  return depth_count(depth + 1) + page[depth % 512];
}
__attribute__((noinline)) void name_copy(const char *name) {
  char out[8];
  strcpy(out, name);
  puts(out);
}
__attribute__((noinline)) void buffer_release(char *buffer) { free(buffer); }
__attribute__((noinline)) int header_sum(const unsigned char *header, int length) {
  int sum = 0;
  for (int i = 0; i < length; i++) sum += header[i];
  return sum;
}
__attribute__((noinline)) int *scope_escape(int *volatile *out) {
  int inner = 5;
  *out = &inner;
  return 0;
}
__attribute__((noinline)) void leak_make(void) { kept = malloc(40); kept = 0; }

int main(int argc, char **argv) {
  const char *kind = argc > 1 ? argv[1] : "";
  int many = argc + 2;
  if (!strcmp(kind, "heap-read")) sink = packet_parse(many);
  if (!strcmp(kind, "heap-free-write")) session_close();
  if (!strcmp(kind, "stack-overflow")) sink = depth_count(1);
  if (!strcmp(kind, "stack-write")) name_copy("a name that is far too long");
  if (!strcmp(kind, "global-read")) sink = field_read(table_global, many);
  if (!strcmp(kind, "double-free")) { char *b = malloc(24); buffer_release(b); buffer_release(b); }
  if (!strcmp(kind, "bad-free")) { char *b = malloc(24); buffer_release(b + 8); }
  if (!strcmp(kind, "null-read")) sink = header_sum((unsigned char *)(uintptr_t)(argc - 2), 4);
  if (!strcmp(kind, "wild-write")) record_write((uint64_t *)0x414141414141ULL);
  if (!strcmp(kind, "noncanonical-read")) sink = header_sum((unsigned char *)0x4141414141414141ULL, 4);
  if (!strcmp(kind, "overlap")) { char *b = malloc(64); memset(b, 1, 64); memcpy(b, b + 8, 32 + (size_t)many); }
  if (!strcmp(kind, "huge")) kept = malloc((size_t)-1 / 2 + (size_t)argc);
  if (!strcmp(kind, "leak")) leak_make();
  if (!strcmp(kind, "scope")) { int *volatile p; scope_escape(&p); sink = *p; }
  if (!strcmp(kind, "range-read")) sink = header_sum(memset(malloc(3), 1, 3), 3) + (int)strlen(memset(malloc(8), 1, 8));
  if (!strcmp(kind, "assert")) assert(many < 2 && "too many fields");
  if (!strcmp(kind, "uninit")) { int *b = malloc(40); if (field_read(b, many)) puts("set"); }
  if (!strcmp(kind, "divide")) sink = many / (argc - 2);
  if (!strcmp(kind, "abort")) abort();
  if (!strcmp(kind, "trap")) __builtin_trap();
  return 0;
}
