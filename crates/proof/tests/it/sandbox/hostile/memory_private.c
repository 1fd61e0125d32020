/* Takes ordinary memory for ever. */
#include "hostile.h"
int main(void) {
    for (;;) {
        char *more = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (more == MAP_FAILED) pause();
        memset(more, 1, 1 << 20);
    }
}
