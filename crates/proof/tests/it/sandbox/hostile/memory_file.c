/* Takes memory through files that exist nowhere. Where no cgroup counts there must be none. */
#include "hostile.h"
int main(void) {
    static char block[1 << 20];
    signal(SIGXFSZ, SIG_IGN);
    int file = memfd_create("hog", 0);
    if (file < 0) return end();
    memset(block, 1, sizeof block);
    for (;;) {
        if (write(file, block, sizeof block) < 0) file = memfd_create("hog", 0);
    }
}
