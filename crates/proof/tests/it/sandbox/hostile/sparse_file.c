/* Makes a file that says it is larger than the disk. */
#include "hostile.h"
int main(void) {
    signal(SIGXFSZ, SIG_IGN);
    int file = open("/box/sparse", O_CREAT | O_RDWR, 0600);
    FAILS_WITH(EFBIG, ftruncate(file, 1L << 50));
    FAILS_WITH(EFBIG, pwrite(file, "x", 1, 1L << 50));
    FAILS_WITH(EFBIG, fallocate(file, 0, 1L << 50, 1));
    return end();
}
