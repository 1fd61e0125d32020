/* Watches one native program from within: reports a sanitizer's finding and the program's end on descriptor 4, each line
   authenticated by the one-time key that came on descriptor 3. Preloaded into the program under test and nothing else;
   does not judge. Part of Proofhouse; no line of it comes from a bundle. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#define TEXT_BYTES_MAX 49152
#define LINE_BYTES_MAX (TEXT_BYTES_MAX * 6 + 1024)
#define FRAMES_COUNT_MAX 32

extern void __asan_init(void) __attribute__((weak));
extern void __asan_set_error_report_callback(void (*)(const char *)) __attribute__((weak));
extern void __sanitizer_symbolize_pc(void *, const char *, char *, size_t) __attribute__((weak));
extern void __ubsan_get_current_report_data(const char **, const char **, const char **, unsigned *, unsigned *, char **)
    __attribute__((weak));

static unsigned char key[32];
static int has_key, is_control;
static unsigned seq;
static pid_t own;
static struct sigaction before[32];
static char line[LINE_BYTES_MAX];
static size_t used;

/* SHA-256 as FIPS 180-4 has it. */
struct sha { uint32_t h[8]; unsigned char block[64]; uint64_t bytes; };
static uint32_t rot(uint32_t x, int n) { return x >> n | x << (32 - n); }
static const uint32_t rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
static void sha_block(struct sha *s) {
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)s->block[4 * i] << 24 | (uint32_t)s->block[4 * i + 1] << 16 | (uint32_t)s->block[4 * i + 2] << 8 | s->block[4 * i + 3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = rot(w[i - 15], 7) ^ rot(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t b = rot(w[i - 2], 17) ^ rot(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  for (int i = 0; i < 8; i++) v[i] = s->h[i];
  for (int i = 0; i < 64; i++) {
    uint32_t a = v[7] + (rot(v[4], 6) ^ rot(v[4], 11) ^ rot(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + rounds[i] + w[i];
    uint32_t b = (rot(v[0], 2) ^ rot(v[0], 13) ^ rot(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    for (int j = 7; j > 0; j--) v[j] = v[j - 1];
    v[4] += a;
    v[0] = a + b;
  }
  for (int i = 0; i < 8; i++) s->h[i] += v[i];
}
static void sha_add(struct sha *s, const void *from, size_t n) {
  const unsigned char *p = from;
  for (size_t i = 0; i < n; i++) {
    s->block[s->bytes++ % 64] = p[i];
    if (s->bytes % 64 == 0) sha_block(s);
  }
}
static void sha_end(struct sha *s, unsigned char out[32]) {
  uint64_t bits = s->bytes * 8;
  unsigned char one = 0x80, zero = 0, size[8];
  sha_add(s, &one, 1);
  while (s->bytes % 64 != 56) sha_add(s, &zero, 1);
  for (int i = 0; i < 8; i++) size[i] = (unsigned char)(bits >> (56 - 8 * i));
  sha_add(s, size, 8);
  for (int i = 0; i < 32; i++) out[i] = (unsigned char)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}
static void sha_begin(struct sha *s, unsigned char pad) {
  static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  unsigned char block[64];
  for (int i = 0; i < 8; i++) s->h[i] = first[i];
  s->bytes = 0;
  for (int i = 0; i < 64; i++) block[i] = (i < 32 ? key[i] : 0) ^ pad;
  sha_add(s, block, 64);
}

static void put(const char *text) {
  while (*text && used < LINE_BYTES_MAX - 8) line[used++] = *text++;
}
static void put_number(long n) {
  char digits[24], *at = digits + 23;
  unsigned long left = n < 0 ? 0UL - (unsigned long)n : (unsigned long)n;
  *at = 0;
  do *--at = (char)('0' + left % 10); while (left /= 10);
  if (n < 0) *--at = '-';
  put(at);
}
static void put_quoted(const char *text) {
  static const char hex[] = "0123456789abcdef";
  put("\"");
  for (size_t n = 0; *text && n < TEXT_BYTES_MAX; text++, n++) {
    unsigned char c = (unsigned char)*text;
    char escaped[7] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15], 0};
    char plain[2] = {(char)c, 0};
    put(c < 0x20 || c > 0x7e || c == '"' || c == '\\' ? escaped : plain);
  }
  put("\"");
}
static void send(void) {
  static const char hex[] = "0123456789abcdef";
  unsigned char mac[32];
  char head[73] = "PROOF1 ";
  struct sha inner, outer;
  sha_begin(&inner, 0x36);
  sha_add(&inner, line, used);
  sha_end(&inner, mac);
  sha_begin(&outer, 0x5c);
  sha_add(&outer, mac, 32);
  sha_end(&outer, mac);
  for (int i = 0; i < 32; i++) head[7 + 2 * i] = hex[mac[i] >> 4], head[8 + 2 * i] = hex[mac[i] & 15];
  head[71] = ' ';
  line[used++] = '\n';
  syscall(SYS_write, 4, head, 72);
  for (size_t done = 0; done < used;) {
    long n = syscall(SYS_write, 4, line + done, used - done);
    if (n <= 0) return;
    done += (size_t)n;
  }
}
/* One report: how the program is doing, and what a sanitizer or a signal said. */
static void report(const char *how, long code, const char *kind, const char *text) {
  if (!has_key || syscall(SYS_getpid) != own) return;
  used = 0;
  put("{\"seq\":");
  put_number(++seq);
  put(",\"how\":\"");
  put(how);
  put("\",\"code\":");
  put_number(code);
  put(",\"disguised\":0,\"native\":0,\"changes\":[],\"events\":[");
  if (kind) {
    put("{\"kind\":\"");
    put(kind);
    put("\",\"detail\":");
    put_quoted(text);
    put(",\"frames\":null}");
  }
  put("],\"error\":null}");
  send();
}

static void address_report(const char *text) { report("sanitizer", -1, "memory-error", text); }

struct walk { void *pc[FRAMES_COUNT_MAX]; int count; };
static _Unwind_Reason_Code walk_step(struct _Unwind_Context *context, void *to) {
  struct walk *walk = to;
  if (walk->count == FRAMES_COUNT_MAX) return _URC_END_OF_STACK;
  walk->pc[walk->count++] = (void *)_Unwind_GetIP(context);
  return _URC_NO_REASON;
}

/* The undefined-behaviour checks have no text to hand over: it is put together as the address sanitizer writes it. */
void __ubsan_on_report(void) __attribute__((visibility("default")));
void __ubsan_on_report(void) {
  const char *kind = "", *message = "", *file = "";
  unsigned row = 0, column = 0;
  char *address = 0;
  static char text[TEXT_BYTES_MAX], frame[2048];
  if (!__ubsan_get_current_report_data || !has_key) return;
  __ubsan_get_current_report_data(&kind, &message, &file, &row, &column, &address);
  size_t at = 0;
#define ADD(t) do { const char *from_ = (t); while (*from_ && at < sizeof text - 2) text[at++] = *from_++; } while (0)
  char digits[12];
  ADD(file);
  ADD(":");
  int n = 11;
  digits[n] = 0;
  do digits[--n] = (char)('0' + row % 10); while (row /= 10);
  ADD(digits + n);
  ADD(":1: runtime error: ");
  ADD(message);
  ADD("\n");
  struct walk walk = {{0}, 0};
  _Unwind_Backtrace(walk_step, &walk);
  for (int i = 0; i < walk.count && __sanitizer_symbolize_pc; i++) {
    __sanitizer_symbolize_pc((char *)walk.pc[i] - 1, "0x1 in %f %L", frame, sizeof frame);
    char number[3] = {(char)('0' + i / 10), (char)('0' + i % 10), 0};
    ADD("    #");
    ADD(i < 10 ? number + 1 : number);
    ADD(" ");
    ADD(frame);
    ADD("\n");
  }
  text[at] = 0;
  report("sanitizer", -1, "memory-error", text);
}

/* A signal that somebody sent is no fault of memory: only those that the processor raised go on to the sanitizer. */
static void on_fault(int number, siginfo_t *about, void *context) {
  if (about->si_code <= 0) {
    report("signal-sent", number, 0, 0);
    signal(number, SIG_DFL);
    raise(number);
    return;
  }
  if (before[number].sa_flags & SA_SIGINFO) before[number].sa_sigaction(number, about, context);
  else signal(number, SIG_DFL);
}

__attribute__((constructor)) static void begin(void) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
  char given[65];
  size_t have = 0;
  if (__asan_init) __asan_init();
  unsetenv("LD_PRELOAD");
  while (have < sizeof given) {
    long n = syscall(SYS_read, 3, given + have, sizeof given - have);
    if (n <= 0) break;
    have += (size_t)n;
  }
  syscall(SYS_close, 3);
  if (have < sizeof given) return;
  for (int i = 0; i < 64; i++) {
    char c = given[i];
    unsigned char half = (unsigned char)(c <= '9' ? c - '0' : c - 'a' + 10);
    key[i / 2] = (unsigned char)(key[i / 2] << 4 | half);
  }
  is_control = given[64] == 'c';
  own = (pid_t)syscall(SYS_getpid);
  has_key = 1;
  for (size_t i = 0; i < sizeof given; i++) ((volatile char *)given)[i] = 0;
  if (!__asan_set_error_report_callback) return;
  __asan_set_error_report_callback(address_report);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    struct sigaction act;
    memset(&act, 0, sizeof act);
    act.sa_sigaction = on_fault;
    act.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigaction(faults[i], &act, &before[faults[i]]);
  }
}

static void end(long code) { report(is_control ? "control-exit" : "exit", code, 0, 0); }
__attribute__((destructor)) static void finish(void) { end(-1); }
__attribute__((visibility("default"))) void _exit(int code) {
  end(code);
  for (;;) syscall(SYS_exit_group, code);
}
__attribute__((visibility("default"))) void _Exit(int code) { _exit(code); }
