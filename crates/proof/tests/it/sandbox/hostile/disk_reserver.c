/* Reserves the disk without writing it. */
#include "hostile.h"
int main(void) {
    char name[32];
    for (int number = 0;; number++) {
        snprintf(name, sizeof name, "/box/%d", number);
        int file = open(name, O_CREAT | O_WRONLY, 0600);
        if (file < 0 || posix_fallocate(file, 0, 1 << 20) != 0) return end();
        close(file);
    }
}
