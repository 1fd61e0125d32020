/* Asks to be treated as a program of another time: readable pages run, low addresses can be mapped. */
#include "hostile.h"
#include <sys/personality.h>
int main(void) {
    FAILS_WITH(EPERM, personality(READ_IMPLIES_EXEC));
    FAILS_WITH(EPERM, personality(ADDR_COMPAT_LAYOUT));
    FAILS_WITH(EPERM, personality(MMAP_PAGE_ZERO));
    FAILS_WITH(EPERM, personality(PER_LINUX32));
    FAILS_WITH(EPERM, personality(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC));
    /* Sanitizers ask for this one. */
    if (personality(ADDR_NO_RANDOMIZE) == -1) puts("odd: addresses cannot be fixed");
    if (mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) puts("hole: page zero");
    return end();
}
