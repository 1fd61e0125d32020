/* Gives a file to the parser, as one piece of memory of exactly its size. */
#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

static int on_string(void *seen, const unsigned char *text, size_t bytes) {
  (void)text;
  *(size_t *)seen += bytes;
  return 1;
}

int main(int count, char **words) {
  static yajl_callbacks callbacks;
  size_t seen = 0, bytes;
  FILE *in = count == 2 ? fopen(words[1], "rb") : 0;
  if (!in || fseek(in, 0, SEEK_END)) return 2;
  bytes = (size_t)ftell(in);
  rewind(in);
  unsigned char *text = malloc(bytes);
  if (!text || fread(text, 1, bytes, in) != bytes) return 2;
  callbacks.yajl_string = on_string;
  yajl_handle parser = yajl_alloc(&callbacks, 0, &seen);
  int status = yajl_parse(parser, text, bytes) != yajl_status_ok || yajl_complete_parse(parser) != yajl_status_ok;
  yajl_free(parser);
  free(text);
  return status || seen == 0;
}
