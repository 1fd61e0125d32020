/* Takes memory that is shared between processes, which no limit on a process's data counts. */
#include "hostile.h"
int main(void) {
    for (;;) {
        char *more = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (more == MAP_FAILED) pause();
        memset(more, 1, 1 << 20);
    }
}
