/* Makes system calls in the numbering of another instruction set, which no list here speaks of. */
#include "hostile.h"
int main(void) {
    puts("end");
    fflush(stdout);
#ifdef __x86_64__
    long answer = 20; /* getpid, of 32 bits */
    __asm__ volatile("int $0x80" : "+a"(answer)::"memory");
    printf("hole: it answered %ld\n", answer);
#endif
    return 0;
}
