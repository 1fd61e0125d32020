/* The same by mapping /dev/zero. */
#include "hostile.h"
int main(void) {
    int zero = open("/dev/zero", O_RDWR);
    for (;;) {
        char *more = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
        if (more == MAP_FAILED) pause();
        memset(more, 1, 1 << 20);
    }
}
